// A lock between processes of this machine: a file that exists while its holder lives. The holder touches it
// every two seconds, so a file that is older than that by far belongs to nobody, even if its process id has
// been given to another process since.

import { mkdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { BootstrapError } from './error.mjs';

const beatMs = 2_000;
const staleMs = 15_000;
const pollMs = 250;
const waitMaxMs = 15 * 60_000;

/**
 * Runs `work` while holding the lock; waits, and says so once, while another process holds it.
 *
 * @template T
 * @param {string} path
 * @param {(line: string) => void} say
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 * @throws {BootstrapError} INSTALL_LOCKED when the other process does not end within 15 minutes
 */
export async function withLock(path, say, work) {
  mkdirSync(dirname(path), { recursive: true });
  const startedAt = Date.now();
  let told = false;
  while (!tryTake(path)) {
    if (Date.now() - startedAt > waitMaxMs) {
      throw new BootstrapError(
        'INSTALL_LOCKED',
        `Process ${holderOf(path)} has held ${path} for 15 minutes.`,
        ['end that process, then run the same command again'],
      );
    }
    if (!told) say(`sallyport: process ${holderOf(path)} is installing already; waiting for it.`);
    told = true;
    await sleep(pollMs);
  }
  const beat = setInterval(() => touch(path), beatMs);
  const release = () => {
    clearInterval(beat);
    rmSync(path, { force: true });
  };
  process.once('exit', release);
  try {
    return await work();
  } finally {
    process.removeListener('exit', release);
    release();
  }
}

/** @param {string} path @returns {boolean} whether we hold it now */
function tryTake(path) {
  if (create(path)) return true;
  if (isHeld(path)) return false;
  // Move the leftover aside first: of several that see it, one succeeds and the others meet a fresh lock.
  const aside = `${path}.${process.pid}`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if (isCode(error, 'ENOENT')) return false;
    throw error;
  }
  rmSync(aside, { force: true });
  return create(path);
}

/** @param {string} path @returns {boolean} */
function create(path) {
  try {
    writeFileSync(path, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (isCode(error, 'EEXIST')) return false;
    throw error;
  }
}

/** @param {string} path @returns {boolean} false when it is gone, or its holder is */
function isHeld(path) {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined || Date.now() - stat.mtimeMs > staleMs) return false;
  const holder = Number(holderOf(path));
  // Just created and not yet written, or just removed: look again later.
  if (!Number.isInteger(holder) || holder <= 0) return true;
  try {
    process.kill(holder, 0);
    return true;
  } catch (error) {
    return !isCode(error, 'ESRCH');
  }
}

/** @param {string} path */
function touch(path) {
  const now = new Date();
  try {
    utimesSync(path, now, now);
  } catch (error) {
    // Somebody cleaned .cache away; the work itself is unharmed.
    if (!isCode(error, 'ENOENT')) throw error;
  }
}

/** @param {string} path @returns {string} */
function holderOf(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (isCode(error, 'ENOENT')) return '(just ended)';
    throw error;
  }
}

/** @param {unknown} error @param {string} code @returns {boolean} */
function isCode(error, code) {
  return error instanceof Error && 'code' in error && error.code === code;
}
