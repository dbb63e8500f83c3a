import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { DatabaseBackups, KeptBackup } from '../../ports/backups.ts';
import type { SiteDatabase } from '../../ports/site-database.ts';
import { sweepTemporaries } from './durable-file.ts';
import { makeFolderDurably } from './durable-folder.ts';
import { isMissing } from './file-errors.ts';
import { onDisk } from './on-disk.ts';

const plainName = /^([0-9A-Za-z]+-)[0-9A-Za-z._+-]{1,180}$/;
const suffix = '.db';

export interface FileDatabaseBackupsOptions {
  /** The site's `backup` folder. */
  readonly folder: string;
  readonly database: Pick<SiteDatabase, 'backup'>;
  /** How many are kept of those that begin with the same word; default 3. */
  readonly keptMax?: number;
}

/** Backups of the site database as files in one folder, which only the owner may read. */
export class FileDatabaseBackups implements DatabaseBackups {
  readonly #options: FileDatabaseBackupsOptions;
  #making = 0;

  constructor(options: FileDatabaseBackupsOptions) {
    this.#options = options;
  }

  async make(name: string): Promise<string> {
    const family = plainName.exec(name)?.[1];
    if (family === undefined)
      throw new RangeError(`"${name}" is no plain name for a backup, such as before-1.0.0`);
    const { folder, database } = this.#options;
    await makeFolderDurably(folder, 0o700);
    const made = `${name}${suffix}`;
    const path = join(folder, made);
    // What backups that were killed left behind.
    if (this.#making === 0) await sweepTemporaries(folder);
    this.#making += 1;
    try {
      await onDisk(path, () => database.backup(path));
      await onDisk(folder, () => this.#removeOldest(family, made));
    } finally {
      this.#making -= 1;
    }
    return path;
  }

  async list(): Promise<readonly KeptBackup[]> {
    const { folder } = this.#options;
    const kept: KeptBackup[] = [];
    for (const name of (await filesIn(folder)).toSorted()) {
      if (!name.endsWith(suffix) || !plainName.test(name.slice(0, -suffix.length))) continue;
      const { size, mtimeMs } = await stat(join(folder, name));
      kept.push({ bytes: size, at: Math.round(mtimeMs) });
    }
    return kept;
  }

  /** Files of other kinds in the folder are not ours to remove. */
  async #removeOldest(family: string, made: string): Promise<void> {
    const { folder, keptMax = 3 } = this.#options;
    const others: { readonly name: string; readonly at: number }[] = [];
    for (const name of await readdir(folder)) {
      if (name === made || !name.startsWith(family) || !name.endsWith(suffix)) continue;
      others.push({ name, at: (await stat(join(folder, name))).mtimeMs });
    }
    const newestFirst = others.toSorted((a, b) => b.at - a.at);
    for (const { name } of newestFirst.slice(Math.max(0, keptMax - 1)))
      await rm(join(folder, name), { force: true });
  }
}

/** No backup was made yet where there is no folder. */
async function filesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}
