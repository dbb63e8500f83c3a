import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { StorageError } from '../storage-error.ts';
import { makeFolderDurablySync } from './durable-folder.ts';
import { requireWritableFile } from './writable-file.ts';

export interface FolderLock {
  /** Harmless a second time. */
  release(): void;
}

/** SQLite's result codes for a lock that another holds. */
const heldErrorCodes: ReadonlySet<number> = new Set([5, 6]);

/**
 * Takes a data folder for this process. The lock is the operating system's, on the file `run/lock`: it ends with
 * the process, however that ends, so nothing stale ever has to be cleared away. `run/lock.pid` only tells people
 * who holds it.
 *
 * @throws {StorageError} FOLDER_IN_USE, naming the process that holds it
 * @throws {ContentError} DISK_FULL, READ_ONLY, NO_ACCESS, DISK_FAILED
 */
export function lockFolder(dataFolder: string): FolderLock {
  const folder = join(dataFolder, 'run');
  makeFolderDurablySync(folder, 0o700);
  const pidPath = join(folder, 'lock.pid');
  const path = join(folder, 'lock');
  requireWritableFile(path);
  // Node has no file locks of its own, and SQLite has portable ones: an empty database in an exclusive transaction.
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    database.exec('PRAGMA journal_mode = MEMORY');
    database.exec('BEGIN EXCLUSIVE');
  } catch (cause) {
    database.close();
    if (cause instanceof Error && 'errcode' in cause && heldErrorCodes.has(Number(cause.errcode))) {
      throw inUse(dataFolder, pidPath, cause);
    }
    throw cause;
  }
  try {
    writeFileSync(pidPath, `${process.pid}\n`);
  } catch {
    // A full disk must not keep a server from starting: the lock holds without its number.
  }
  let held = true;
  return {
    release: () => {
      if (held) {
        held = false;
        try {
          rmSync(pidPath, { force: true });
        } catch {
          // The lock counts, not its number: a disk that fails must not keep it from being given back.
        }
        database.close();
      }
    },
  };
}

function inUse(dataFolder: string, pidPath: string, cause: Error): StorageError {
  const pid = readPid(pidPath);
  const who = pid === undefined ? 'another process' : `process ${pid}`;
  return new StorageError(
    'FOLDER_IN_USE',
    `the data folder ${dataFolder} is in use by ${who}: stop that server first, or give this one a folder of its own`,
    { folder: dataFolder, ...(pid === undefined ? {} : { pid }) },
    { cause },
  );
}

function readPid(pidPath: string): number | undefined {
  try {
    const pid = Number(readFileSync(pidPath, 'utf8').trim());
    return Number.isSafeInteger(pid) && pid > 0 ? pid : undefined;
  } catch {
    // The holder has not written it yet, or is just leaving: the refusal holds without a number.
    return undefined;
  }
}
