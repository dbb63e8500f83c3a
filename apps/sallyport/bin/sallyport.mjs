#!/usr/bin/env node
// Starts Sallyport under a Node that can run it: this one, or the one that npm brought. Plain JavaScript without
// dependencies, because an older Node must be able to read it.

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));

if (isNewEnough(process.versions.node)) {
  await import('../src/main.ts');
} else {
  const node = findNode(here);
  if (node === undefined) {
    process.stderr.write(
      `sallyport: this is Node ${process.versions.node}, and Node 24.15 or newer is needed. ` +
        'Run "npm ci" in the repository, which brings one, or install Node 24.\n',
    );
    process.exitCode = 1;
  } else {
    run(node);
  }
}

/** @param {string} version @returns {boolean} */
function isNewEnough(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > 24 || (major === 24 && minor >= 15);
}

/** @param {string} folder @returns {string | undefined} the Node of the nearest node_modules above `folder` */
function findNode(folder) {
  const system = process.platform === 'win32' ? 'win' : process.platform;
  const program = process.platform === 'win32' ? 'node.exe' : 'node';
  const path = join(folder, 'node_modules', `node-${system}-${process.arch}`, 'bin', program);
  if (existsSync(path)) return path;
  const above = dirname(folder);
  return above === folder ? undefined : findNode(above);
}

/** @param {string} node @returns {void} */
function run(node) {
  const child = spawn(node, [join(here, '..', 'src', 'main.ts'), ...process.argv.slice(2)], {
    stdio: 'inherit',
  });
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
    process.on(signal, () => child.kill(signal));
  }
  child.on('error', (error) => {
    process.stderr.write(`sallyport: ${node} cannot be started: ${error.message}\n`);
    process.exitCode = 1;
  });
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
  });
}
