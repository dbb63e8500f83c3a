import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { siteCode } from '@sallyport/core/shared/ids';
import { recordHash } from '@sallyport/core/wire/record-hash';
import { nodeDigests } from '../../../compute/digest.ts';
import type { SiteDatabase } from '../../../ports/site-database.ts';
import { MemoryDatabaseFile } from '../memory-file.ts';
import { openSiteDatabase } from '../site-database.ts';

/** A site's database that lives in this process only. */
export function memoryDatabase(site: string): SiteDatabase {
  return fileDatabase(':memory:', site);
}

/** A site's database in a file, made when it is not there. */
export function fileDatabase(path: string, site: string): SiteDatabase {
  return openSiteDatabase(path, {
    site: siteCode(site),
    hashRecord: (fields) => recordHash(fields, nodeDigests.of),
  });
}

/** Every way to keep a site's database: each makes a new one. Files are removed after the test file. */
export function everyDatabase(): Readonly<Record<string, (site: string) => SiteDatabase>> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-db-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  let files = 0;
  return {
    'in a file': (site) => fileDatabase(join(folder, String((files += 1)), 'site.db'), site),
    'in memory': memoryDatabase,
    'in a file in memory': (site) =>
      new MemoryDatabaseFile({
        name: 'memory',
        site: siteCode(site),
        hashRecord: (fields) => recordHash(fields, nodeDigests.of),
        saveBackup: writeFileSync,
        isFull: () => false,
      }).open(),
  };
}
