import { endsHalt, type LinkHalt } from '@sallyport/core/domain/sites/epoch';
import type { SiteCode } from '@sallyport/core/shared/ids';
import type { ReadTables, SettingReads, SettingWrites } from '../../ports/site-database.ts';

/** What a site remembers of a link beside the cursor. */
export interface LinkState {
  /** The highest epoch that the peer has been seen in. */
  readonly epoch: number;
  /** Set while this site takes nothing over the link. */
  readonly halt?: LinkHalt;
}

const name = 'replication';

type LinkStates = Readonly<Record<string, LinkState>>;

function readLinks(settings: SettingReads): LinkStates {
  return (settings.get(name) as LinkStates | undefined) ?? {};
}

export function readLink(settings: SettingReads, peer: SiteCode): LinkState {
  return readLinks(settings)[peer] ?? { epoch: 1 };
}

export function writeLink(settings: SettingReads & SettingWrites, peer: SiteCode, state: LinkState): void {
  settings.put(name, { ...readLinks(settings), [peer]: state });
}

/**
 * Why this site must not change anything for others: it is an old copy, and a peer has seen it in a higher epoch.
 * Undefined when it may: also after a restore, before the peers have heard of it.
 */
export function readOnlyReason({ records, settings }: ReadTables): string | undefined {
  const own = records.epoch();
  const halted = Object.values(readLinks(settings)).find(
    ({ halt, epoch }) => halt?.code === 'READ_ONLY' && !endsHalt(halt, { own, peer: epoch }),
  );
  return halted?.halt?.reason;
}

/** The highest epoch that a peer told this site it has been seen in, while that keeps it read-only; else 0. */
export function epochSeenByPeers(settings: SettingReads): number {
  return Math.max(0, ...Object.values(readLinks(settings)).map(({ halt }) => halt?.seenIn ?? 0));
}
