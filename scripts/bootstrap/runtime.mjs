import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { BootstrapError } from './error.mjs';

/** The oldest Node that may run Sallyport; the same as `engines` in package.json (a test compares them). */
export const floor = Object.freeze({ major: 24, minor: 15 });

/**
 * @typedef {object} Machine what decides which Node runs; the default is this process
 * @property {string} version as process.versions.node
 * @property {string} execPath
 * @property {string} platform as process.platform
 * @property {string} arch as process.arch
 */

/** @type {Machine} */
const thisProcess = Object.freeze({
  version: process.versions.node,
  execPath: process.execPath,
  platform: process.platform,
  arch: process.arch,
});

/**
 * @param {string} version `24.21.0`, with or without a leading v
 * @returns {boolean} false also for what is not a version
 */
export function isNewEnough(version) {
  const match = /^v?(\d+)\.(\d+)\./.exec(version);
  if (match === null) return false;
  const major = Number(match[1]);
  return major > floor.major || (major === floor.major && Number(match[2]) >= floor.minor);
}

/**
 * The Node that runs everything but this bootstrap: the one running now when it is new enough, else the one
 * that the lockfile brought.
 *
 * @param {string} root the repository
 * @param {Machine} [machine]
 * @returns {{ readonly path: string, readonly version: string }}
 * @throws {BootstrapError} NO_RUNTIME
 */
export function findRuntime(root, machine = thisProcess) {
  if (isNewEnough(machine.version)) return { path: machine.execPath, version: machine.version };

  const wanted = `Node ${floor.major}.${floor.minor} or newer`;
  const self = `install ${wanted} yourself (https://nodejs.org) and run the same command with it`;
  const system = machine.platform === 'win32' ? 'win' : machine.platform;
  const name = `node-${system}-${machine.arch}`;
  const folder = join(root, 'node_modules', name);
  const path = join(folder, 'bin', machine.platform === 'win32' ? 'node.exe' : 'node');

  if (!existsSync(path)) {
    const locked = readLockedNames(root);
    const offered = locked.filter((candidate) => /^node-(linux|win|darwin)-/.test(candidate));
    throw new BootstrapError(
      'NO_RUNTIME',
      `This is Node ${machine.version}; Sallyport needs ${wanted}, and ${path} does not exist.`,
      offered.includes(name)
        ? [`the lockfile names ${name}, so bring it in again: npm ci --include=optional`, self]
        : [`the lockfile brings Node for ${offered.join(', ')} only, not for this machine: ${self}`],
    );
  }
  const version = readVersion(folder);
  if (!isNewEnough(version)) {
    throw new BootstrapError('NO_RUNTIME', `${path} is Node ${version}; Sallyport needs ${wanted}.`, [
      'install what the lockfile names: npm ci --include=optional',
      self,
    ]);
  }
  return { path, version };
}

/** @param {string} folder @returns {string} the version of the package in it, which is that of its Node */
function readVersion(folder) {
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return String(manifest.version);
}

/** @param {string} root @returns {string[]} the optional packages of the root manifest */
function readLockedNames(root) {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  return Object.keys(manifest.optionalDependencies ?? {});
}
