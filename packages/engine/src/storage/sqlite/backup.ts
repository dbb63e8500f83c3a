import { mkdir, open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { backup, type DatabaseSync } from 'node:sqlite';
import { renameDurably, temporaryBeside } from '../files/durable-file.ts';

/** Pages in one step: all of them, so that the copy is one snapshot and writers cannot make it start again. */
const allPages = 0x7fffffff;

/** Copies a database while it is used; the target appears whole and durable, or not at all. */
export async function copyDatabase(source: DatabaseSync, targetPath: string): Promise<void> {
  await mkdir(dirname(targetPath), { recursive: true, mode: 0o700 });
  const partial = temporaryBeside(targetPath);
  try {
    await backup(source, partial, { rate: allPages });
    const file = await open(partial, 'r+');
    try {
      await file.sync();
    } finally {
      await file.close();
    }
    await renameDurably(partial, targetPath);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}
