import { randomUUID } from 'node:crypto';
import { open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import process from 'node:process';
import { fileErrorCode, isMissing } from './file-errors.ts';
import { onDisk } from './on-disk.ts';

/**
 * Replaces a file's content; resolves once that survives a power cut. A reader, or a start after a crash, sees the
 * old content or the new. The folder must exist.
 *
 * @throws {ContentError} DISK_FULL, READ_ONLY, NO_ACCESS, DISK_FAILED
 */
export async function writeFileDurably(path: string, bytes: Uint8Array): Promise<void> {
  const temporary = temporaryBeside(path);
  try {
    await onDisk(path, async () => {
      const file = await open(temporary, 'wx');
      try {
        await file.writeFile(bytes);
        await file.sync();
      } finally {
        await file.close();
      }
    });
    await renameDurably(temporary, path);
  } catch (error) {
    await dropQuietly(temporary);
    throw error;
  }
}

/**
 * Moves a file that is synced already over `path`, within one file system, and makes that durable.
 *
 * @throws {ContentError} DISK_FULL, READ_ONLY, NO_ACCESS, DISK_FAILED: the move may have happened all the same
 */
export async function renameDurably(from: string, path: string): Promise<void> {
  await onDisk(path, async () => {
    await rename(from, path);
    await syncFolder(dirname(path));
  });
}

/** Removes a file after a failure, which is what matters: should the disk refuse, a later sweep takes it. */
export async function dropQuietly(path: string): Promise<void> {
  await rm(path, { force: true }).catch(() => undefined);
}

/** A name for a file that is not complete yet, in the folder of the one it will become. */
export function temporaryBeside(path: string): string {
  return join(dirname(path), `.${temporaryStart(path)}${randomUUID()}.tmp`);
}

/** How the names of a file's temporary files begin, after the dot: for `sweepTemporaries`. */
export function temporaryStart(path: string): string {
  return `${basename(path).slice(0, 100)}.`;
}

/** Whether a name is one of `temporaryBeside`: left by a crash when nothing is being written. */
export function isTemporary(name: string): boolean {
  return name.startsWith('.') && name.endsWith('.tmp');
}

/**
 * Removes what interrupted writes have left in a folder, which need not exist. Nothing may be writing there.
 *
 * @param start only what would have become files whose names begin so
 * @throws {ContentError} DISK_FAILED, READ_ONLY, NO_ACCESS
 */
export async function sweepTemporaries(folder: string, start = ''): Promise<void> {
  await onDisk(folder, async () => {
    for (const name of await readdir(folder).catch(ignoreMissing)) {
      // SQLite keeps files of its own beside a database that is being written.
      if (name.startsWith(`.${start}`) && isTemporary(name.replace(/-(?:journal|shm|wal)$/, ''))) {
        await rm(join(folder, name), { force: true });
      }
    }
  });
}

function ignoreMissing(failure: unknown): readonly string[] {
  if (isMissing(failure)) return [];
  throw failure;
}

/** Makes the names in a folder durable. Windows cannot open folders, and needs no such step on NTFS. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') {
    return;
  }
  const handle = await onDisk(folder, () => open(folder, 'r'));
  try {
    await onDisk(folder, () => handle.sync());
  } finally {
    await handle.close();
  }
}

/** Whether the folder above cannot be synced because this user may pass through it only: nobody can do more then. */
export function mayOnlyPass(failure: unknown): boolean {
  const cause = failure instanceof Error && failure.cause !== undefined ? failure.cause : failure;
  return fileErrorCode(cause) === 'EACCES';
}
