import { closeSync, fsyncSync, mkdirSync, openSync, rmdirSync, statSync } from 'node:fs';
import { mkdir, rmdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import process from 'node:process';
import { mayOnlyPass, syncFolder } from './durable-file.ts';
import { fileErrorCode } from './file-errors.ts';
import { onDisk, onDiskSync } from './on-disk.ts';

/**
 * Makes a folder, and those above it that are missing; resolves once their names survive a power cut. What is synced
 * within a folder is lost with the folder's own name. One that is there already is taken as it is. A failure leaves no
 * folder whose name is not durable, so that repeating it is enough.
 *
 * @param mode of every folder that is made; 0o777 less the umask when not given
 * @returns whether this made it
 * @throws {ContentError} DISK_FULL, READ_ONLY, NO_ACCESS, DISK_FAILED
 */
export async function makeFolderDurably(folder: string, mode = 0o777): Promise<boolean> {
  return onDisk(folder, async () => {
    try {
      await mkdir(folder, { mode });
    } catch (failure) {
      const answer = whatNext(failure, folder);
      if (answer === 'look') {
        if ((await stat(folder)).isDirectory()) return false;
        throw failure;
      }
      await makeFolderDurably(dirname(folder), mode);
      await mkdir(folder, { mode });
    }
    try {
      await syncFolder(dirname(folder));
    } catch (failure) {
      if (mayOnlyPass(failure)) return true;
      await rmdir(folder).catch(() => undefined);
      throw failure;
    }
    return true;
  });
}

/** As `makeFolderDurably`, for work that waits for the disk. */
export function makeFolderDurablySync(folder: string, mode = 0o777): void {
  onDiskSync(folder, () => {
    try {
      mkdirSync(folder, { mode });
    } catch (failure) {
      const answer = whatNext(failure, folder);
      if (answer === 'look') {
        if (statSync(folder).isDirectory()) return;
        throw failure;
      }
      makeFolderDurablySync(dirname(folder), mode);
      mkdirSync(folder, { mode });
    }
    try {
      syncFolderSync(dirname(folder));
    } catch (failure) {
      if (mayOnlyPass(failure)) return;
      try {
        rmdirSync(folder);
      } catch {
        // What made the sync fail matters, not that the disk cannot take the folder back either.
      }
      throw failure;
    }
  });
}

/** What a failed mkdir asks for; throws it when it asks for nothing. A folder without one above it cannot be missing one. */
function whatNext(failure: unknown, folder: string): 'look' | 'make-above' {
  const code = fileErrorCode(failure);
  if (code === 'EEXIST') return 'look';
  if (code === 'ENOENT' && dirname(folder) !== folder) return 'make-above';
  throw failure;
}

function syncFolderSync(folder: string): void {
  if (process.platform === 'win32') return;
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
