import { randomUUID } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import process from 'node:process';

/**
 * Replaces a file's content; resolves once that survives a power cut. A reader, or a start after a crash, sees the
 * old content or the new. The folder must exist.
 */
export async function writeFileDurably(path: string, bytes: Uint8Array): Promise<void> {
  const temporary = temporaryBeside(path);
  try {
    const file = await open(temporary, 'wx');
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await renameDurably(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Moves a file that is synced already over `path`, within one file system, and makes that durable. */
export async function renameDurably(from: string, path: string): Promise<void> {
  await rename(from, path);
  await syncFolder(dirname(path));
}

/** A name for a file that is not complete yet, in the folder of the one it will become. */
export function temporaryBeside(path: string): string {
  return join(dirname(path), `.${basename(path).slice(0, 100)}.${randomUUID()}.tmp`);
}

/** Whether a name is one of `temporaryBeside`: left by a crash when nothing is being written. */
export function isTemporary(name: string): boolean {
  return name.startsWith('.') && name.endsWith('.tmp');
}

/** Makes the names in a folder durable. Windows cannot open folders, and needs no such step on NTFS. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') {
    return;
  }
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
