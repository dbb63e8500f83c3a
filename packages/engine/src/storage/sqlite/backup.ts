import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { backup, type DatabaseSync } from 'node:sqlite';
import { StorageError } from '../storage-error.ts';
import { dropQuietly, renameDurably, temporaryBeside } from '../files/durable-file.ts';
import { makeFolderDurably } from '../files/durable-folder.ts';
import { onDisk } from '../files/on-disk.ts';
import { diskProblemOf } from './disk-problem.ts';

/** Pages in one step: all of them, so that the copy is one snapshot and writers cannot make it start again. */
const allPages = 0x7fffffff;

/**
 * Copies a database while it is used; the target appears whole and durable, or not at all.
 *
 * @throws {StorageError} UNWRITABLE
 * @throws {ContentError} DISK_FULL, READ_ONLY, NO_ACCESS, DISK_FAILED
 */
export async function copyDatabase(source: DatabaseSync, targetPath: string): Promise<void> {
  await makeFolderDurably(dirname(targetPath), 0o700);
  const partial = temporaryBeside(targetPath);
  try {
    await backup(source, partial, { rate: allPages });
    await onDisk(targetPath, async () => {
      const file = await open(partial, 'r+');
      try {
        await file.sync();
      } finally {
        await file.close();
      }
    });
    await renameDurably(partial, targetPath);
  } catch (error) {
    for (const end of ['', '-journal']) await dropQuietly(`${partial}${end}`);
    const problem = diskProblemOf(error);
    if (problem === undefined) throw error;
    throw new StorageError(
      'UNWRITABLE',
      `the copy ${targetPath} of the site database cannot be written: ${problem}, and try again`,
      { path: targetPath },
      { cause: error },
    );
  }
}
