import { epochMax, restoreRemedy } from '@sallyport/core/domain/sites/epoch';
import { HierarchyError } from '@sallyport/core/domain/sites/hierarchy-error';
import { entryOf } from '@sallyport/core/domain/sites/roster';
import type { SiteCode } from '@sallyport/core/shared/ids';
import type { HierarchyProof } from '../../ports/parent-link.ts';
import type { ReadTables, SettingReads, WriteTables } from '../../ports/site-database.ts';
import type { Hierarchy, HierarchyView } from '../hierarchy-identity/hierarchy-view.ts';
import { verifyHierarchy } from '../hierarchy-identity/hierarchy-view.ts';

/**
 * What makes a whole site read-only: a roster that the hierarchy's operating key signed names a higher epoch of it
 * than its own. What a peer merely says halts the link with that peer, and nothing else.
 */
interface OldCopy {
  readonly epoch: number;
  readonly reason: string;
}

const name = 'old-copy';

function read(settings: SettingReads): OldCopy | undefined {
  return settings.get(name) as OldCopy | undefined;
}

/** The epoch of a site in the roster of a proof; undefined when the proof does not hold here. */
export function provenEpoch(
  proof: HierarchyProof,
  site: SiteCode,
  { hierarchyId, statement }: Hierarchy,
  tools: HierarchyView['tools'],
): number | undefined {
  try {
    const shown = verifyHierarchy({ hierarchyId, ...proof }, tools);
    // A key that has been replaced may be in anybody's hands.
    const inForce =
      shown.statement.sequence > statement.sequence ||
      (shown.statement.sequence === statement.sequence &&
        shown.statement.operatingKey === statement.operatingKey);
    return inForce ? entryOf(shown.roster, site)?.epoch : undefined;
  } catch (error) {
    if (error instanceof HierarchyError) return undefined;
    throw error;
  }
}

/** Remembers what a proof says, when it says that this database is an old copy. */
export function noteProof(
  { records, settings }: WriteTables,
  site: SiteCode,
  shownBy: SiteCode,
  epoch: number,
): void {
  const own = records.epoch();
  if (epoch <= own || epoch <= (read(settings)?.epoch ?? 0)) return;
  const reason =
    `site ${site} runs in epoch ${own}, but ${shownBy} has seen it in epoch ${epoch} and has the signed roster to show for it: ` +
    `this is an old copy of a site that was restored since, and it is read-only now; ${restoreRemedy}`;
  settings.put(name, { epoch, reason } satisfies OldCopy);
}

/**
 * Why this site must not change anything for others: it is proven to be an old copy. Undefined when it may: also after
 * a restore, before the peers have heard of it.
 */
export function readOnlyReason({ records, settings }: ReadTables): string | undefined {
  const proven = read(settings);
  return proven !== undefined && records.epoch() < proven.epoch ? proven.reason : undefined;
}

/**
 * The highest epoch that this site is proven to have been in, for whoever restores it; else 0. At most one below the
 * highest there is, so that a higher one is left.
 */
export function provenOwnEpoch(settings: SettingReads): number {
  return Math.min(read(settings)?.epoch ?? 0, epochMax - 1);
}
