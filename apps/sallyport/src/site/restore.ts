import { siteCode } from '@sallyport/core/shared/ids';
import { entryOf } from '@sallyport/core/domain/sites/roster';
import { recordHash } from '@sallyport/core/wire/record-hash';
import { HierarchyView } from '@sallyport/engine/components/hierarchy-identity/hierarchy-view';
import { provenOwnEpoch } from '@sallyport/engine/components/replication-manager/old-copy';
import { systemClock } from '@sallyport/engine/compute/clock';
import { nodeDigests } from '@sallyport/engine/compute/digest';
import { checkSignature } from '@sallyport/engine/compute/signature-check';
import type { SiteDatabase } from '@sallyport/engine/ports/site-database';
import { lockFolder } from '@sallyport/engine/storage/files/folder-lock';
import { restoreSiteDatabase, type RestoredDatabase } from '@sallyport/engine/storage/sqlite/restore';
import { readSiteConfig, siteFolders } from './site-config.ts';

/** A site that was restored, and what it is in the hierarchy. */
export type RestoredSite = RestoredDatabase & { readonly code: string; readonly topTier: boolean };

/**
 * Puts a backup into force at a stopped site, or only begins a higher epoch over what is there.
 *
 * @throws {ConfigError}; {StorageError} FOLDER_IN_USE while the server runs, and as `restoreSiteDatabase`
 */
export async function restoreSite(
  dataFolder: string,
  { from, epoch }: { readonly from?: string; readonly epoch?: number },
): Promise<RestoredSite> {
  const config = readSiteConfig(dataFolder);
  const folders = siteFolders(dataFolder);
  const code = siteCode(config.code);
  const lock = lockFolder(folders.data);
  try {
    const restored = await restoreSiteDatabase({
      path: folders.database,
      ...(from === undefined ? {} : { from }),
      backupFolder: folders.backup,
      stamp: new Date(systemClock.now()).toISOString().replaceAll(/[:.]/g, '-'),
      site: code,
      hashRecord: (fields) => recordHash(fields, nodeDigests.of),
      epochMin: epoch ?? 1,
      knownEpoch: (database) => knownEpoch(database, code),
    });
    return { code, topTier: config.parent === undefined, ...restored };
  } finally {
    lock.release();
  }
}

/** The highest epoch that a database has heard of for its own site: its own, the roster's, and what peers have said. */
function knownEpoch(database: SiteDatabase, code: ReturnType<typeof siteCode>): number {
  const { roster } = new HierarchyView({
    database,
    check: checkSignature,
    digestOf: nodeDigests.of,
  }).current();
  return Math.max(
    entryOf(roster, code)?.epoch ?? 1,
    database.read(({ records, settings }) => Math.max(records.epoch(), provenOwnEpoch(settings))),
  );
}

/** What was done, and what only people can see to now. */
export function restoredText({ code, topTier, epoch, replaced }: RestoredSite, dataFolder: string): string {
  const lines = [`site ${code} is in epoch ${epoch} now: older copies of it are refused`];
  if (replaced !== undefined) lines.push(`the database that was there before is kept as ${replaced}`);
  if (topTier) {
    lines.push(
      'what was decided since the backup is not in it: revoke again what was revoked since, and join again the sites that joined since',
    );
  }
  lines.push(`start it with "sallyport site run --data ${dataFolder}"`);
  return lines.join('\n');
}
