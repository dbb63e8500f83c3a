import { siteCode } from '@sallyport/core/shared/ids';
import { recordHash } from '@sallyport/core/wire/record-hash';
import { nodeDigests } from '../../../compute/digest.ts';
import type { SiteDatabase } from '../../../ports/site-database.ts';
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
