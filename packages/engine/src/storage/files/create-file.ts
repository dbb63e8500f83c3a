import { link, open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { StorageError } from '../storage-error.ts';
import {
  dropQuietly,
  sweepTemporaries,
  syncFolder,
  temporaryBeside,
  temporaryStart,
} from './durable-file.ts';
import { makeFolderDurably } from './durable-folder.ts';
import { fileErrorCode, isMissing } from './file-errors.ts';
import { onDisk } from './on-disk.ts';

/**
 * Writes a new file that only its owner may read. It appears whole and durable, or not at all, and never replaces
 * another. Folders that are missing are made, for their owner only. Of an attempt that was interrupted the next one
 * for the same name leaves nothing.
 *
 * @throws {StorageError} EXISTS
 * @throws {ContentError} DISK_FULL, READ_ONLY, NO_ACCESS, DISK_FAILED
 */
export async function createFileDurably(path: string, bytes: Uint8Array): Promise<void> {
  const folder = dirname(path);
  await makeFolderDurably(folder, 0o700);
  await sweepTemporaries(folder, temporaryStart(path));
  const partial = temporaryBeside(path);
  try {
    await onDisk(path, async () => {
      const handle = await open(partial, 'wx', 0o600);
      try {
        await handle.writeFile(bytes);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await appear(partial, path);
    });
  } finally {
    await dropQuietly(partial);
  }
  try {
    await syncFolder(folder);
  } catch (failure) {
    // Nobody was promised it: left here, it would keep the next attempt from its name.
    await dropQuietly(path);
    throw failure;
  }
}

/** Unlike a rename, a link fails when the name is taken. */
async function appear(partial: string, path: string): Promise<void> {
  try {
    await link(partial, path);
  } catch (cause) {
    // Gone: another process that made this file swept ours away.
    if (fileErrorCode(cause) === 'EEXIST' || (isMissing(cause) && (await exists(path)))) {
      throw new StorageError(
        'EXISTS',
        `${path} exists already and is not overwritten: choose another name, or move it away`,
        { path },
        { cause },
      );
    }
    throw cause;
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
