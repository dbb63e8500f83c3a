import { link, mkdir, open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { StorageError } from '../storage-error.ts';
import { syncFolder, temporaryBeside } from './durable-file.ts';
import { fileErrorCode } from './file-errors.ts';

/**
 * Writes a new file that only its owner may read. It appears whole and durable, or not at all, and never replaces
 * another. Folders that are missing are made, for their owner only.
 *
 * @throws {StorageError} EXISTS
 */
export async function createFileDurably(path: string, bytes: Uint8Array): Promise<void> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const partial = temporaryBeside(path);
  try {
    const handle = await open(partial, 'wx', 0o600);
    try {
      await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
    // Unlike a rename, a link fails when the name is taken.
    await link(partial, path);
  } catch (cause) {
    if (fileErrorCode(cause) === 'EEXIST') {
      throw new StorageError(
        'EXISTS',
        `${path} exists already and is not overwritten: choose another name, or move it away`,
        { path },
        { cause },
      );
    }
    throw cause;
  } finally {
    await rm(partial, { force: true });
  }
  await syncFolder(folder);
}
