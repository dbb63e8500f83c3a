import {
  endsHalt,
  epochMax,
  forkByCursor,
  judgeEpoch,
  type LinkEpochs,
  type LinkHalt,
  restoreRemedy,
} from '@sallyport/core/domain/sites/epoch';
import { entryOf } from '@sallyport/core/domain/sites/roster';
import type { Roster } from '@sallyport/core/domain/sites/site';
import type { EpochMs, SiteCode } from '@sallyport/core/shared/ids';
import { linkProtocols } from '@sallyport/core/wire/link';
import { LinkError } from '../../ports/link-error.ts';
import type { LinkHello } from '../../ports/parent-link.ts';
import type { ReadTables, WriteTables } from '../../ports/site-database.ts';
import { type LinkState, readLink, writeLink } from './link-state.ts';
import { noteProof, readOnlyReason } from './old-copy.ts';

/** What this site says of itself to a peer. */
export function ownHello(
  { records, settings }: ReadTables,
  own: {
    readonly site: SiteCode;
    readonly roster: Roster;
    readonly tufVersions: Readonly<Record<string, number>>;
  },
  peer: SiteCode,
): LinkHello {
  const state = readLink(settings, peer);
  const epochs: LinkEpochs = { own: records.epoch(), peer: state.epoch };
  const halt = state.halt?.code === 'FORK' && !endsHalt(state.halt, epochs) ? state.halt : undefined;
  return {
    site: own.site,
    epoch: epochs.own,
    protocols: linkProtocols,
    tufVersions: own.tufVersions,
    head: records.head(),
    cursor: records.cursor(peer),
    peerEpoch: knownEpoch(own.roster, peer, state),
    ...(halt === undefined ? {} : { fork: halt.reason }),
  };
}

/** What a greeting leads to: undefined when records may flow, otherwise what both sides are told. */
export type Greeting = LinkError | undefined;

/**
 * Judges a peer's greeting, or its answer to the one that was `sent`, and remembers what follows from it: a higher
 * epoch makes the peer's records begin anew, a fork or an old copy halts the link until somebody has restored a side.
 */
export function judgeHello(
  tables: WriteTables,
  own: {
    readonly site: SiteCode;
    readonly roster: Roster;
    readonly now: EpochMs;
    readonly sent?: LinkHello;
    /** This site's epoch by the signed roster that the peer has shown, once that is verified. */
    readonly provenEpoch?: number | undefined;
  },
  peer: SiteCode,
  hello: LinkHello,
): Greeting {
  if (hello.site !== peer) {
    return new LinkError(
      'REFUSED',
      `the site with the key of ${peer} calls itself ${hello.site}: its data folder was copied from another site; set it up in an empty folder`,
      { peer, claimed: hello.site },
    );
  }
  if (hello.protocols.highest < linkProtocols.lowest || hello.protocols.lowest > linkProtocols.highest) {
    return new LinkError(
      'PROTOCOL',
      `site ${peer} speaks link protocols ${hello.protocols.lowest} to ${hello.protocols.highest}, and ${own.site} ${linkProtocols.lowest} to ${linkProtocols.highest}: update the older of the two first`,
      { peer },
    );
  }
  const { records, settings } = tables;
  if (own.provenEpoch !== undefined) noteProof(tables, own.site, peer, own.provenEpoch);
  const before = readLink(settings, peer);
  const known = knownEpoch(own.roster, peer, before);
  const verdict = judgeEpoch(known, hello.epoch);
  if (verdict === 'older') {
    return new LinkError(
      'READ_ONLY',
      `site ${peer} runs in epoch ${hello.epoch}, but it has been seen in epoch ${known}: it is an old copy of a site that was restored since; ${restoreRemedy}`,
      { peer, epoch: hello.epoch, known },
    );
  }
  if (verdict === 'newer') {
    // Restored: what was taken before says nothing about its new history.
    records.setCursor(peer, 0);
  }
  const epochs: LinkEpochs = { own: records.epoch(), peer: hello.epoch };
  // A peer's word for this site's epoch lasts until it says something else; two histories do not pass by themselves.
  const held = before.halt?.code === 'FORK' && !endsHalt(before.halt, epochs) ? before.halt : undefined;
  const halt = held ?? findHalt(tables, own, peer, hello, epochs);
  writeLink(settings, peer, { epoch: hello.epoch, ...(halt === undefined ? {} : { halt }) });
  return halt && haltError(halt, peer);
}

/** Stops a link because the histories of both sides do not fit; the first reason stays. Answers the error for whoever asked. */
export function haltForFork(
  { records, settings }: WriteTables,
  peer: SiteCode,
  reason: string,
  now: EpochMs,
): LinkError {
  const state = readLink(settings, peer);
  const epochs: LinkEpochs = { own: records.epoch(), peer: state.epoch };
  const held = state.halt !== undefined && !endsHalt(state.halt, epochs) ? state.halt : undefined;
  const halt: LinkHalt = held ?? { code: 'FORK', reason, since: now, epochs };
  writeLink(settings, peer, { ...state, halt });
  return haltError(halt, peer);
}

/** The error that a halted link answers with; undefined when it is not halted. */
export function haltOf({ settings }: ReadTables, peer: SiteCode): LinkError | undefined {
  const { halt } = readLink(settings, peer);
  return halt && haltError(halt, peer);
}

function findHalt(
  tables: ReadTables,
  own: { readonly site: SiteCode; readonly now: EpochMs; readonly sent?: LinkHello },
  peer: SiteCode,
  hello: LinkHello,
  epochs: LinkEpochs,
): LinkHalt | undefined {
  if (hello.peerEpoch > epochs.own) {
    // It may lie: this link alone waits. A site that is proven to be an old copy says so for itself.
    const reason =
      readOnlyReason(tables) ??
      `site ${own.site} runs in epoch ${epochs.own}, but ${peer} has seen it in epoch ${hello.peerEpoch} and shows no signed roster that says so: ` +
        `nothing goes over this link; if ${own.site} is an old copy of a site that was restored since, ${restoreRemedy} (--epoch ${Math.min(hello.peerEpoch + 1, epochMax)}), ` +
        `and if it is not, revoke ${peer}`;
    return { code: 'READ_ONLY', reason, since: own.now, epochs };
  }
  const { records } = tables;
  // A peer that has not heard of this site's restore yet still speaks of the history before it.
  const outdated = hello.peerEpoch < epochs.own;
  const reason =
    (outdated ? undefined : hello.fork) ??
    forkByCursor({
      own: own.site,
      peer,
      ownHead: records.head(),
      // Records may have come while the answer was on its way: only what was here before says anything of its head.
      ownCursor: Math.min(records.cursor(peer), own.sent?.cursor ?? Infinity),
      peerHead: hello.head,
      peerCursor: outdated ? 0 : hello.cursor,
    });
  return reason === undefined ? undefined : { code: 'FORK', reason, since: own.now, epochs };
}

function knownEpoch(roster: Roster, peer: SiteCode, state: LinkState): number {
  return Math.max(entryOf(roster, peer)?.epoch ?? 1, state.epoch);
}

function haltError(halt: LinkHalt, peer: SiteCode): LinkError {
  return new LinkError(halt.code, halt.reason, { peer, since: halt.since });
}
