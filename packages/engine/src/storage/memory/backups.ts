import type { DatabaseBackups, KeptBackup } from '../../ports/backups.ts';
import type { SiteDatabase } from '../../ports/site-database.ts';
import type { DiskMount } from './disk.ts';

/** Where they lie on the disk. */
export const backupFolder = 'memory:backup/';
const keptMax = 3;

/** Backups of a site database on a disk in memory. */
export class MemoryDatabaseBackups implements DatabaseBackups {
  readonly #mount: DiskMount;
  readonly #database: Pick<SiteDatabase, 'backup'>;

  /** @param database whose `backup` writes to paths of that disk */
  constructor(mount: DiskMount, database: Pick<SiteDatabase, 'backup'>) {
    this.#mount = mount;
    this.#database = database;
  }

  async make(name: string): Promise<string> {
    const made = `${backupFolder}${name}.db`;
    await this.#database.backup(made);
    const family = `${backupFolder}${name.slice(0, name.indexOf('-') + 1)}`;
    const oldestFirst = this.#mount.under(family).map((rest) => `${family}${rest}`);
    for (const path of oldestFirst.slice(0, Math.max(0, oldestFirst.length - keptMax))) {
      this.#mount.remove(path);
    }
    return made;
  }

  async list(): Promise<readonly KeptBackup[]> {
    return this.#mount
      .under(backupFolder)
      .toSorted()
      .map((name) => ({ bytes: this.#mount.read(`${backupFolder}${name}`)?.length ?? 0 }));
  }
}
