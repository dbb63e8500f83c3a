import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { type DataFolder, requireUnused } from '@sallyport/engine/cloud/ceremony';
import type { CloudTools } from '@sallyport/engine/cloud/cloud-tools';
import { defaultLifetimesMs } from '@sallyport/engine/cloud/repository/lifetimes';
import { systemClock } from '@sallyport/engine/compute/clock';
import { nodeKeys } from '@sallyport/engine/compute/ed25519';
import { HpkeSealing } from '@sallyport/engine/compute/hpke-sealing';
import { systemRandom } from '@sallyport/engine/compute/random';
import { CloudError } from '@sallyport/engine/ports/cloud-error';
import { FileBlobs } from '@sallyport/engine/storage/files/blobs';
import { type DataFolderUse, takeDataFolder } from '@sallyport/engine/storage/files/data-folder';
import { makeFolderDurably } from '@sallyport/engine/storage/files/durable-folder';
import type { FolderLock } from '@sallyport/engine/storage/files/folder-lock';
import {
  sweepTemporaries,
  temporaryStart,
  writeFileDurably,
} from '@sallyport/engine/storage/files/durable-file';
import { isMissing } from '@sallyport/engine/storage/files/file-errors';
import { FileKeyRing } from '@sallyport/engine/storage/files/file-key-ring';
import { PublishedFolder } from '@sallyport/engine/storage/files/published-folder';
import { SqliteCloudDatabase } from '@sallyport/engine/storage/sqlite/cloud/cloud-database';
import { SqliteRepositoryLock } from '@sallyport/engine/storage/sqlite/cloud/repository-lock';
import { Passphrases } from './passphrase.ts';

/** Options of every command that works on a vendor's data folder. */
export interface DataOptions {
  readonly data: string;
  readonly json?: boolean;
}

/** And of those that may need offline keys. */
export interface KeyOptions extends DataOptions {
  readonly offlineKeys?: readonly string[];
  readonly passphraseFile?: readonly string[];
}

/** `cloud.json`: what the commands should remember about this folder. */
interface CloudConfig {
  readonly schema: 1;
  /** Where the ceremony put the offline keys; they may have been moved since. */
  readonly offlineKeys: readonly string[];
}

export interface CloudFolders {
  readonly data: string;
  readonly repository: string;
  readonly database: string;
  readonly onlineKeys: string;
  readonly offlineKeys: string;
}

export function foldersOf(data: string): CloudFolders {
  const folder = resolve(data);
  return {
    data: folder,
    repository: join(folder, 'repository'),
    database: join(folder, 'database', 'cloud.db'),
    onlineKeys: join(folder, 'keys', 'online'),
    offlineKeys: join(folder, 'keys', 'offline'),
  };
}

/** The tools of the commands on a folder that is set up. @throws {CloudError} NOT_THERE */
export async function openCloud(options: KeyOptions): Promise<CloudTools> {
  const folders = foldersOf(options.data);
  const config = await readConfig(folders);
  const given = (options.offlineKeys ?? []).map((place) => resolve(place));
  const places = [...given, ...config.offlineKeys.map((place) => resolve(folders.data, place))];
  return toolsOf(
    folders,
    [...new Set(places)],
    new Passphrases(options.passphraseFile ?? [], { confirm: false }),
  );
}

/** All that it holds is the vendor's own; what others may see is served. */
const cloudFolder: DataFolderUse = {
  what: 'a cloud service',
  mode: 0o700,
  always: true,
  sign: 'cloud.json',
  foreignSigns: ['site.json'],
};

/**
 * Takes a folder to set a cloud service up in: makes it, readable by its owner alone, and locks it.
 *
 * @throws {StorageError} FOREIGN_FOLDER, FOLDER_IN_USE, UNWRITABLE
 */
export function takeNewCloud(options: DataOptions): FolderLock {
  return takeDataFolder(foldersOf(options.data).data, cloudFolder);
}

/** A folder that is being set up. */
export interface NewCloud {
  readonly tools: CloudTools;
  /** Where its offline keys go. */
  readonly offlineFolder: string;
  /** What the ceremony asks and tells of the folder. */
  readonly dataFolder: DataFolder;
}

/**
 * The tools for a folder that is being set up. Nothing is made in one that was set up before.
 *
 * @throws {CloudError} ALREADY_THERE
 */
export async function openNewCloud(options: KeyOptions): Promise<NewCloud> {
  const folders = foldersOf(options.data);
  const places = (options.offlineKeys ?? [folders.offlineKeys]).map((place) => resolve(place));
  const [offlineFolder = folders.offlineKeys] = places;
  const passphrases = new Passphrases(options.passphraseFile ?? [], { confirm: true });
  const dataFolder: DataFolder = {
    isSetUp: async () => existsSync(join(folders.data, 'cloud.json')),
    // Before the repository is, so that none ever stands without it.
    setUp: () =>
      saveConfig(folders.data, [
        options.offlineKeys === undefined ? relative(folders.data, offlineFolder) : offlineFolder,
      ]),
  };
  await requireUnused(repositoryAndKeys(folders, places, passphrases), dataFolder);
  if (options.offlineKeys !== undefined) await makeFolderDurably(offlineFolder, 0o700);
  return { tools: await toolsOf(folders, places, passphrases), offlineFolder, dataFolder };
}

/** Remembers where the offline keys went. */
async function saveConfig(data: string, offlineKeys: readonly string[]): Promise<void> {
  const config: CloudConfig = { schema: 1, offlineKeys };
  const path = join(data, 'cloud.json');
  // Left by a ceremony that was killed; whoever holds the next one holds the folder.
  await sweepTemporaries(data, temporaryStart(path));
  await writeFileDurably(path, Buffer.from(`${JSON.stringify(config, undefined, 2)}\n`));
}

/** The cloud's database; the caller closes it. @throws {CloudError} NOT_THERE, BROKEN_DATABASE */
export async function openDatabase(options: DataOptions): Promise<SqliteCloudDatabase> {
  const folders = foldersOf(options.data);
  await readConfig(folders);
  await makeFolderDurably(join(folders.data, 'database'), 0o700);
  return SqliteCloudDatabase.open(folders.database);
}

async function toolsOf(
  folders: CloudFolders,
  offlineFolders: readonly string[],
  passphrases: Passphrases,
): Promise<CloudTools> {
  return {
    ...repositoryAndKeys(folders, offlineFolders, passphrases),
    lock: new SqliteRepositoryLock(join(folders.data, 'lock'), systemClock),
    blobs: await FileBlobs.open({ folder: folders.repository, partialFolder: join(folders.data, 'partial') }),
    clock: systemClock,
    random: systemRandom,
    lifetimesMs: defaultLifetimesMs,
  };
}

/** Makes nothing. */
function repositoryAndKeys(
  folders: CloudFolders,
  offlineFolders: readonly string[],
  passphrases: Passphrases,
): Pick<CloudTools, 'keys' | 'repository'> {
  return {
    repository: new PublishedFolder(folders.repository),
    keys: new FileKeyRing({
      onlineFolder: folders.onlineKeys,
      offlineFolders,
      passphrase: (name) => passphrases.of(name),
      keys: nodeKeys,
      sealing: new HpkeSealing(),
      clock: systemClock,
    }),
  };
}

async function readConfig(folders: CloudFolders): Promise<CloudConfig> {
  const place = join(folders.data, 'cloud.json');
  let text: string;
  try {
    text = await readFile(place, 'utf8');
  } catch (cause) {
    // Whatever else is wrong with the file says what to do by itself.
    if (!isMissing(cause)) throw cause;
    throw new CloudError(
      'NOT_THERE',
      `${folders.data} is no data folder of a cloud service: make it with "sallyport cloud init", or name the right one with --data`,
      { place: folders.data },
      { cause },
    );
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new CloudError(
      'BAD_REQUEST',
      `${place} is no JSON: correct it, or restore it from a copy`,
      { place },
      { cause },
    );
  }
  if (!isConfig(value)) {
    throw new CloudError(
      'BAD_REQUEST',
      `${place} is not as "sallyport cloud init" wrote it: restore it from a copy`,
      { place },
    );
  }
  return value;
}

function isConfig(value: unknown): value is CloudConfig {
  return (
    typeof value === 'object' &&
    value !== null &&
    'schema' in value &&
    value.schema === 1 &&
    'offlineKeys' in value &&
    Array.isArray(value.offlineKeys) &&
    value.offlineKeys.every((place) => typeof place === 'string')
  );
}
