import type { SiteCode } from '../../shared/ids.ts';
import { ancestorsOf, entryOf, isTopTier } from './roster.ts';
import type { RecordKind, ReplicatedRecord, Roster } from './site.ts';

/** Whether a record may be taken from a link. `ignored` is nobody's fault and must not stop the link; `refused` is. */
export type FlowVerdict =
  | { readonly kind: 'allowed' }
  | { readonly kind: 'ignored'; readonly reason: string }
  | { readonly kind: 'refused'; readonly reason: string };

/** Written by the top-tier site alone, for everybody below it. */
const topTierKinds: ReadonlySet<RecordKind> = new Set<RecordKind>([
  'roster',
  'operating-key',
  'order',
  'join-answer',
  'usage-policy',
  'media-policy',
]);

/** Written by any site, for everybody below it. */
const ancestorKinds: ReadonlySet<RecordKind> = new Set<RecordKind>(['site-releases', 'update-event']);

/** Written by any site, for everybody above it. */
export const upwardKinds: ReadonlySet<RecordKind> = new Set<RecordKind>([
  'site-status',
  'site-facts',
  'update-event',
  'join-request',
  'site-usage',
]);

/** Kinds of records that a site gives to those below it. */
export const downwardKinds: readonly RecordKind[] = [...topTierKinds, ...ancestorKinds];

const allowed: FlowVerdict = { kind: 'allowed' };

type Origin = Pick<ReplicatedRecord, 'owner' | 'kind'>;

/**
 * Whether the parent may take a record from its child: the child speaks for itself and its descendants, in the
 * kinds that travel up. This is what bounds a compromised child.
 */
export function judgeUpward(roster: Roster, child: SiteCode, record: Origin): FlowVerdict {
  if (!upwardKinds.has(record.kind)) {
    return refused(`records of kind "${record.kind}" do not come from a child site`);
  }
  const owner = entryOf(roster, record.owner);
  if (owner === undefined) {
    return refused(`site ${record.owner} is not in the roster`);
  }
  if (owner.code !== child && !ancestorsOf(roster, owner.code).some((ancestor) => ancestor.code === child)) {
    return refused(
      `site ${child} may not write records of ${record.owner}, which is neither itself nor below it`,
    );
  }
  if (owner.revoked !== undefined) {
    return { kind: 'ignored', reason: `site ${record.owner} is revoked` };
  }
  return allowed;
}

/** Whether a site may take a record from its parent: its ancestors' own, in the kinds that travel down. */
export function judgeDownward(roster: Roster, self: SiteCode, record: Origin): FlowVerdict {
  if (topTierKinds.has(record.kind)) {
    return isTopTier(roster, record.owner)
      ? allowed
      : refused(`only the top-tier site writes records of kind "${record.kind}", not ${record.owner}`);
  }
  if (!ancestorKinds.has(record.kind)) {
    return refused(`records of kind "${record.kind}" do not come from a parent site`);
  }
  return ancestorsOf(roster, self).some((ancestor) => ancestor.code === record.owner)
    ? allowed
    : refused(`site ${record.owner} is not above ${self}, so what it says of itself does not come down here`);
}

/** Whether a parent gives a record to its child. */
export function goesDown(roster: Roster, child: SiteCode, record: Origin): boolean {
  return judgeDownward(roster, child, record).kind === 'allowed';
}

/** Whether a site gives a record to its parent. */
export function goesUp(roster: Roster, self: SiteCode, record: Origin): boolean {
  return judgeUpward(roster, self, record).kind === 'allowed';
}

function refused(reason: string): FlowVerdict {
  return { kind: 'refused', reason };
}
