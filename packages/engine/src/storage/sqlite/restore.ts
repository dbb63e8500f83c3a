import { existsSync } from 'node:fs';
import { copyFile, open, rm } from 'node:fs/promises';
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

/** What was committed and is not in the database's file yet. */
const writeAheadLog = '-wal';
/** SQLite keeps these beside a database; a stale one would be replayed into the database that replaces it. */
const companions = [writeAheadLog, '-shm'] as const;

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
 * epoch than any that is known. What was committed into a backup's write-ahead log belongs to it. The site server must
 * not run. Killed at any point, it leaves the old database or the new one; repeating it is harmless but for one more
 * epoch.
 *
 * @throws {StorageError} NO_BACKUP, WRONG_SITE, NEWER_SCHEMA, UNREADABLE, UNWRITABLE
 */
export async function restoreSiteDatabase(options: RestoreOptions): Promise<RestoredDatabase> {
  const { path, from, epochMin, knownEpoch } = options;
  if (from === undefined) return { epoch: raise(path, options, epochMin) };
  // What a restore that was killed has left.
  await sweepTemporaries(dirname(path), temporaryStart(path));
  const candidate = temporaryBeside(path);
  try {
    await copyBackup(from, candidate);
    const before = lookInto(path, options, knownEpoch);
    const above = before.kind === 'readable' ? before.epoch + 1 : 1;
    const epoch = inWordsOf(from, options, () => raise(candidate, options, Math.max(epochMin, above)));
    const replaced =
      before.kind === 'none'
        ? undefined
        : await putAside(options, before.kind === 'readable' ? 'replaced' : 'damaged');
    for (const end of companions) await rm(`${path}${end}`, { force: true });
    await renameDurably(candidate, path);
    return { epoch, ...(replaced === undefined ? {} : { replaced }) };
  } finally {
    for (const end of ['', ...companions]) await dropQuietly(`${candidate}${end}`);
  }
}

async function copyBackup(from: string, candidate: string): Promise<void> {
  try {
    await copyFile(from, candidate);
    await copyFile(`${from}${writeAheadLog}`, `${candidate}${writeAheadLog}`).catch(ignoreMissing);
  } catch (cause) {
    throw new StorageError(
      'NO_BACKUP',
      `the backup ${from} cannot be copied (${errorCodeOf(cause)}): name a file of the site's folder "backup", or a copy of one, and see that there is room`,
      { from },
      { cause },
    );
  }
}

/** What is wrong with the copy is wrong with the backup, which is the only one of the two that anybody knows. */
function inWordsOf<T>(from: string, { site }: RestoreOptions, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (!(cause instanceof StorageError)) throw cause;
    const { code } = cause;
    if (code === 'WRONG_SITE') {
      const owner = String(cause.details['owner']);
      const message = `the backup ${from} belongs to site ${owner}, not ${site}: name a backup of this site`;
      throw new StorageError(code, message, { from, owner, site }, { cause });
    }
    if (code === 'UNREADABLE') {
      const message = `${from} is no database of a site (${messageOf(cause.cause)}): name a file of the site's folder "backup", or a copy of one`;
      throw new StorageError(code, message, { from }, { cause });
    }
    throw cause;
  }
}

/** What the system says is wrong, without the name of our own copy. */
function errorCodeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : messageOf(error);
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

/** The database in force: what it knows of its epoch, or that it cannot be read, which is why it is replaced. */
type Before =
  | { readonly kind: 'none' }
  | { readonly kind: 'damaged' }
  | { readonly kind: 'readable'; readonly epoch: number };

/** @throws {StorageError} WRONG_SITE; UNWRITABLE when its write-ahead log could not be brought into it */
function lookInto(
  path: string,
  options: SiteDatabaseOptions,
  knownEpoch: (database: SiteDatabase) => number,
): Before {
  if (!existsSync(path)) return { kind: 'none' };
  let database: SiteDatabase | undefined;
  let epoch: number;
  try {
    database = openSiteDatabase(path, options);
    epoch = knownEpoch(database);
  } catch (error) {
    if (error instanceof StorageError && error.code === 'WRONG_SITE') throw error;
    return { kind: 'damaged' };
  } finally {
    database?.close();
  }
  if (existsSync(`${path}${writeAheadLog}`)) {
    throw new StorageError(
      'UNWRITABLE',
      `the site database ${path} could not take in its write-ahead log, so nothing was changed: make room on its disk and see that nobody else has it open, then try again`,
      { path },
    );
  }
  return { kind: 'readable', epoch };
}

/** A durable copy of the database in force, with its write-ahead log where it still has one. */
async function putAside({ path, backupFolder, stamp }: RestoreOptions, word: string): Promise<string> {
  await makeFolderDurably(backupFolder, 0o700);
  const aside = join(backupFolder, `${word}-${stamp}-${basename(path)}`);
  await onDisk(aside, async () => {
    for (const end of ['', writeAheadLog]) {
      await copyFile(`${path}${end}`, `${aside}${end}`).then(() => syncFile(`${aside}${end}`), ignoreMissing);
    }
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
