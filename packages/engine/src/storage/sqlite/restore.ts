import { copyFile, open, rename } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { messageOf } from '@sallyport/core/shared/errors';
import type { SiteDatabase } from '../../ports/site-database.ts';
import {
  dropQuietly,
  renameDurably,
  sweepTemporaries,
  syncFolder,
  temporaryBeside,
  temporaryStart,
} from '../files/durable-file.ts';
import { makeFolderDurably } from '../files/durable-folder.ts';
import { isMissing } from '../files/file-errors.ts';
import { onDisk } from '../files/on-disk.ts';
import { StorageError } from '../storage-error.ts';
import { openSiteDatabase, type SiteDatabaseOptions } from './site-database.ts';

/** SQLite keeps these beside a database; a stale one would be replayed into the database that replaces it. */
const companions = ['-wal', '-shm'] as const;

/** What a restore found and did. */
export interface RestoredDatabase {
  /** The epoch that the site is in from now on. */
  readonly epoch: number;
  /** Where the database that was there before is now; absent when it is still the one in force. */
  readonly replaced?: string;
}

export interface RestoreOptions extends SiteDatabaseOptions {
  /** The site's database file. */
  readonly path: string;
  /** The backup that takes its place; absent when the files were put back by other means. */
  readonly from?: string;
  /** Where the database that is replaced goes. */
  readonly backupFolder: string;
  /** Tells the replaced database from others there: plain characters. */
  readonly stamp: string;
  /** At least this epoch. */
  readonly epochMin: number;
  /** The highest epoch that a database knows its own site in. */
  readonly knownEpoch: (database: SiteDatabase) => number;
}

/**
 * Puts a backup of a site's database into force, or takes the one that is there for restored, and begins a higher
 * epoch than any that is known. The site server must not run. Killed at any point, it leaves the old database or the
 * new one; repeating it is harmless but for one more epoch.
 *
 * @throws {StorageError} NO_BACKUP, WRONG_SITE, NEWER_SCHEMA, UNREADABLE
 */
export async function restoreSiteDatabase(options: RestoreOptions): Promise<RestoredDatabase> {
  const { path, from, epochMin, knownEpoch } = options;
  if (from === undefined) return { epoch: raise(path, options, epochMin) };
  // What a restore that was killed has left.
  await sweepTemporaries(dirname(path), temporaryStart(path));
  const candidate = temporaryBeside(path);
  try {
    await copyFile(from, candidate).catch((cause: unknown) => {
      throw new StorageError(
        'NO_BACKUP',
        `the backup ${from} cannot be copied (${messageOf(cause)}): name a file of the site's folder "backup", or a copy of one, and see that there is room`,
        { from },
        { cause },
      );
    });
    const before = lookInto(path, options, knownEpoch);
    const epoch = raise(candidate, options, Math.max(epochMin, before === undefined ? 1 : before + 1));
    const replaced = await putAside(options, before === undefined ? 'damaged' : 'replaced');
    await renameDurably(candidate, path);
    return { epoch, replaced };
  } finally {
    for (const end of ['', ...companions]) await dropQuietly(`${candidate}${end}`);
  }
}

/** Opens a database, raises its epoch above what it knows, and closes it: all of it is in the one file then. */
function raise(path: string, options: RestoreOptions, epochMin: number): number {
  const database = openSiteDatabase(path, options);
  try {
    const epoch = Math.max(epochMin, options.knownEpoch(database) + 1);
    database.write(({ records }) => records.raiseEpoch(epoch));
    return epoch;
  } finally {
    database.close();
  }
}

/** What the database in force knows of its epoch; undefined when it cannot be read: that is why it is replaced. */
function lookInto(
  path: string,
  options: SiteDatabaseOptions,
  knownEpoch: (database: SiteDatabase) => number,
): number | undefined {
  let database: SiteDatabase | undefined;
  try {
    database = openSiteDatabase(path, options);
    return knownEpoch(database);
  } catch (error) {
    if (error instanceof StorageError && error.code === 'WRONG_SITE') throw error;
    return undefined;
  } finally {
    database?.close();
  }
}

async function putAside({ path, backupFolder, stamp }: RestoreOptions, word: string): Promise<string> {
  await makeFolderDurably(backupFolder, 0o700);
  const aside = join(backupFolder, `${word}-${stamp}-${basename(path)}`);
  await onDisk(aside, async () => {
    // Closed in order there are none left; those of a damaged database go where it goes.
    for (const end of companions) await rename(`${path}${end}`, `${aside}${end}`).catch(ignoreMissing);
    // Copied, not moved: the name never stands empty, where a server would begin a new database.
    await copyFile(path, aside).then(() => syncFile(aside), ignoreMissing);
    // Before the database that it is a copy of goes.
    await syncFolder(backupFolder);
  });
  return aside;
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

function ignoreMissing(error: unknown): void {
  if (!isMissing(error)) throw error;
}
