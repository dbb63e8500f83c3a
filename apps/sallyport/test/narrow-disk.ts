import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { join, relative } from 'node:path';
import process from 'node:process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { Outcome, World } from './harness.ts';

/** The program, as a process starts it. */
export const mainFile = fileURLToPath(new URL('../src/main.ts', import.meta.url));

/**
 * Runs `sallyport <args>` on a disk that takes no file longer than so many blocks: 0 is a full one. The limit is the
 * operating system's, so that it meets every file, SQLite's too.
 */
export async function runOnNarrowDisk(
  world: World,
  blocks: number,
  args: readonly string[],
): Promise<Outcome> {
  const { NODE_COMPILE_CACHE: _, NODE_TEST_CONTEXT: __, ...env } = process.env;
  const child = spawn(
    '/bin/sh',
    ['-c', 'ulimit -f "$0" && exec "$@"', String(blocks), process.execPath, mainFile, ...args],
    {
      cwd: world.folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...env, SALLYPORT_PASSPHRASE: 'correct horse' },
    },
  );
  assert.ok(child.stdout && child.stderr);
  const [out, err, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number | null]>,
  ]);
  return { code, out, err };
}

/** What belongs to a process that is or was running, not to what the folder holds. */
const passing = /(?:^|\/)(?:run|logs|lock|lock\.holder|[^/]+-(?:wal|shm|journal))(?:\/|$)/;

/** A digest of all that a folder holds: names, kinds, modes and bytes. */
export async function folderDigest(folder: string): Promise<string> {
  const hash = createHash('sha256');
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.map((entry) => join(entry.parentPath, entry.name)).toSorted();
  for (const path of paths) {
    const name = relative(folder, path);
    if (passing.test(name)) continue;
    const found = await lstat(path);
    hash.update(`${name}\0${found.mode.toString(8)}\0`);
    if (found.isFile()) hash.update(await readFile(path));
    if (found.isSymbolicLink()) hash.update(await readlink(path));
  }
  return hash.digest('hex');
}
