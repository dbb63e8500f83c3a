// Brings node_modules to what package-lock.json says, and does nothing when it is there already.
//
// How it knows: npm writes node_modules/.package-lock.json as the very last act of an install, so a killed
// install has none. We compare that file with package-lock.json once and remember the digest of the pair in
// a marker, so that later starts read two small facts. An install by hand (`npm ci`) is recognised too.

import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { withLock } from './lock.mjs';
import { runNpm } from './npm.mjs';

const markerName = '.sallyport-installed';

/**
 * @typedef {{ readonly kind: 'installed' } | { readonly kind: 'missing', readonly reason: string }} InstallState
 */

/**
 * @param {string} root the repository
 * @returns {InstallState} `reason` completes the sentence "Installing, because …"
 */
export function installState(root) {
  const locked = readText(join(root, 'package-lock.json'));
  if (locked === undefined) {
    return {
      kind: 'missing',
      reason: 'package-lock.json is missing (restore it: git checkout package-lock.json)',
    };
  }
  const modules = join(root, 'node_modules');
  const installed = readText(join(modules, '.package-lock.json'));
  if (installed === undefined) return { kind: 'missing', reason: 'nothing is installed yet' };

  const digest = digestOf(locked, installed);
  if (readText(join(modules, markerName)) === digest) return { kind: 'installed' };

  const difference = firstDifference(parsePackages(locked), parsePackages(installed));
  if (difference !== undefined) return { kind: 'missing', reason: difference };
  remember(modules, digest);
  return { kind: 'installed' };
}

/**
 * Installs what the lockfile names if it is not there. Two at once: one installs, the other waits and finds
 * it done.
 *
 * @param {string} root
 * @param {{ readonly install?: (root: string) => Promise<void>, readonly say?: (line: string) => void }} [means]
 * @throws {import('./error.mjs').BootstrapError} NO_NPM, INSTALL_FAILED, INSTALL_LOCKED
 */
export async function ensureInstalled(root, means = {}) {
  const install = means.install ?? runNpm;
  const say = means.say ?? ((line) => void process.stderr.write(`${line}\n`));
  if (installState(root).kind === 'installed') return;
  await withLock(join(root, '.cache', 'install.lock'), say, async () => {
    const state = installState(root);
    if (state.kind === 'installed') return;
    say(`sallyport: installing the packages that package-lock.json names (npm ci), because ${state.reason}.`);
    await install(root);
    const after = installState(root);
    if (after.kind === 'missing') say(`sallyport: installed, though ${after.reason}.`);
  });
}

/**
 * @typedef {object} LockedPackage the fields of a lockfile entry that matter here
 * @property {string} [version]
 * @property {string} [integrity]
 * @property {boolean} [optional]
 * @property {boolean} [link]
 */

/**
 * @param {Readonly<Record<string, LockedPackage>>} locked
 * @param {Readonly<Record<string, LockedPackage>>} installed
 * @returns {string | undefined} the first thing that is not as locked; optional packages may be absent, since
 *   most are for other platforms
 */
export function firstDifference(locked, installed) {
  for (const [path, want] of Object.entries(locked)) {
    if (path === '') continue;
    const have = installed[path];
    if (have === undefined) {
      if (want.optional === true) continue;
      return `${path} is not installed`;
    }
    if (have.version !== want.version || have.integrity !== want.integrity) {
      return `${path} is installed as ${have.version ?? 'a link'}, and the lockfile says ${want.version ?? 'a link'}`;
    }
  }
  return undefined;
}

/** @param {string} text a lockfile @returns {Readonly<Record<string, LockedPackage>>} */
function parsePackages(text) {
  const lockfile = JSON.parse(text);
  return lockfile.packages ?? {};
}

/** @param {string} locked @param {string} installed @returns {string} */
function digestOf(locked, installed) {
  return createHash('sha256').update(locked).update('\0').update(installed).digest('hex');
}

/** @param {string} modules @param {string} digest */
function remember(modules, digest) {
  try {
    writeFileSync(join(modules, markerName), digest);
  } catch (error) {
    // The marker only saves the comparison; a read-only checkout works without it.
    if (!isCode(error, 'EACCES') && !isCode(error, 'EROFS') && !isCode(error, 'EPERM')) throw error;
  }
}

/** @param {string} path @returns {string | undefined} undefined when there is no such file */
function readText(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** @param {unknown} error @param {string} code @returns {boolean} */
function isCode(error, code) {
  return error instanceof Error && 'code' in error && error.code === code;
}
