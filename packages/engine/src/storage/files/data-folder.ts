import { chmodSync, lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileFailureOf } from '@sallyport/core/shared/file-failure';
import { StorageError } from '../storage-error.ts';
import { makeFolderDurablySync } from './durable-folder.ts';
import { fileErrorCode } from './file-errors.ts';
import { type FolderLock, lockFolder } from './folder-lock.ts';

/** What a data folder is to become. */
export interface DataFolderUse {
  /** For people: `a site`. */
  readonly what: string;
  /** Its mode: of a folder that is made here, and of one that was there when `always`. */
  readonly mode: number;
  readonly always: boolean;
  /** The file by which a finished one is known. */
  readonly sign: string;
  /** The signs of what else it may be. */
  readonly foreignSigns: readonly string[];
}

/** So many names show what a folder holds. */
const namesShown = 5;

/** What a fresh disk holds before anybody uses it. */
const ofTheDisk: ReadonlySet<string> = new Set(['lost+found']);

/**
 * Takes a folder to set something up in: makes it where it is missing, and locks it. Nothing is made or changed in a
 * folder that holds what is not ours; one in which an earlier set-up was cut short is taken, for that one to go on.
 *
 * @throws {StorageError} FOREIGN_FOLDER, naming what lies there; FOLDER_IN_USE; UNWRITABLE
 */
export function takeDataFolder(folder: string, use: DataFolderUse): FolderLock {
  const isNew = namesIn(folder) === undefined;
  if (isNew) make(folder);
  refuseForeign(folder, use);
  if (isNew || use.always) inFolder(folder, () => chmodSync(folder, use.mode));
  return lockFolder(folder);
}

function make(folder: string): void {
  try {
    makeFolderDurablySync(folder);
  } catch (failure) {
    // Missing although all above it is there: file systems like /proc make no folders, and say so in this way.
    const cause = failure instanceof Error ? failure.cause : undefined;
    if (fileErrorCode(cause) !== 'ENOENT') throw unusable(folder, cause ?? failure);
    throw new StorageError(
      'UNWRITABLE',
      `the data folder ${folder} cannot be made: its file system takes no folders (ENOENT); name a folder on an ordinary disk`,
      { folder },
      { cause: failure },
    );
  }
}

/** Undefined when there is no such folder. */
function namesIn(folder: string): readonly string[] | undefined {
  try {
    return readdirSync(folder);
  } catch (failure) {
    if (fileErrorCode(failure) === 'ENOENT') return undefined;
    throw unusable(folder, failure);
  }
}

/** The lock is the first thing that set-up makes: where it is not, whatever there is came from elsewhere. */
function refuseForeign(folder: string, { what, sign, foreignSigns }: DataFolderUse): void {
  const names = (namesIn(folder) ?? []).filter((name) => !ofTheDisk.has(name));
  const foreign = foreignSigns.find((name) => names.includes(name));
  const begun = names.includes(sign) || isFile(join(folder, 'run', 'lock'));
  // A set-up that was killed between its first two steps leaves an empty folder for the lock.
  const [only = 'run', ...others] = names;
  const untouched =
    others.length === 0 && only === 'run' && (namesIn(join(folder, 'run')) ?? []).length === 0;
  if (foreign === undefined && (begun || untouched)) return;
  const shown = (foreign === undefined ? names.toSorted() : [foreign]).slice(0, namesShown);
  const more = names.length - shown.length;
  const holds = `${shown.map((name) => JSON.stringify(name)).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
  throw new StorageError(
    'FOREIGN_FOLDER',
    `${folder} cannot become the data folder of ${what}: it holds ${holds}, which ${
      foreign === undefined ? 'nobody here made' : 'belongs to something else'
    }. Name an empty folder, or one that is not there yet`,
    { folder },
  );
}

function isFile(path: string): boolean {
  try {
    return lstatSync(path).isFile();
  } catch {
    return false;
  }
}

function inFolder<T>(folder: string, work: () => T): T {
  try {
    return work();
  } catch (failure) {
    throw unusable(folder, failure);
  }
}

function unusable(folder: string, failure: unknown): unknown {
  const meaning = fileFailureOf(failure);
  return meaning === undefined
    ? failure
    : new StorageError(
        'UNWRITABLE',
        `the data folder ${folder} cannot be used: ${meaning.cause} (${meaning.errno}); ${meaning.remedy}`,
        { folder, errno: meaning.errno },
        { cause: failure },
      );
}
