import type { SiteFacts } from '@sallyport/core/domain/exchange/exchange';
import { entryOf } from '@sallyport/core/domain/sites/roster';
import type { Roster } from '@sallyport/core/domain/sites/site';
import type { UsageFacts } from '@sallyport/core/domain/usage/facts';
import type { EpochMs, SiteCode } from '@sallyport/core/shared/ids';
import type { ReadTables } from '../../ports/site-database.ts';
import { componentsRecordKey, type ComponentsStatus } from '../hierarchy-manager/own-records.ts';
import { readLink } from '../replication-manager/link-state.ts';
import type { UsageSources } from './sources.ts';

type NeighbourFacts = Pick<UsageFacts, 'componentsOfSites' | 'links' | 'sites'>;

/** What other sites have said of themselves, and how the links to the nearest ones fare. */
export function gatherNeighbours(sources: UsageSources, roster: Roster, at: EpochMs): NeighbourFacts {
  // The links look into the database themselves.
  const known = { children: sources.links.childLinks(), parent: sources.links.query().state };
  return sources.database.read((tables) => ({
    sites: tables.records
      .list({ kind: 'site-facts' })
      .filter(({ owner }) => takesPart(roster, owner))
      .map(({ body }) => body as SiteFacts),
    componentsOfSites: tables.records
      .list({ kind: 'site-status' })
      .filter(({ key, owner }) => key === componentsRecordKey && takesPart(roster, owner))
      .flatMap(({ owner, body }) =>
        (body as ComponentsStatus).components.map(({ name, state }) => ({
          site: owner,
          component: name,
          state,
        })),
      ),
    links: linksOf(sources.site, known, tables, at),
  }));
}

function takesPart(roster: Roster, code: SiteCode): boolean {
  const entry = entryOf(roster, code);
  return entry !== undefined && entry.revoked === undefined;
}

interface KnownLinks {
  readonly children: ReturnType<UsageSources['links']['childLinks']>;
  /** State of the link to the parent. */
  readonly parent: string;
}

function linksOf(
  { parent }: UsageSources['site'],
  known: KnownLinks,
  { settings }: ReadTables,
  at: EpochMs,
): UsageFacts['links'] {
  const stateOf = (peer: SiteCode) => {
    const { epoch, halt } = readLink(settings, peer);
    return { peer, peerEpoch: epoch, ...(halt === undefined ? {} : { halt: halt.code }) };
  };
  const down = known.children.map(({ site: peer, lastSeenAt, behind, problem }) => ({
    ...stateOf(peer),
    direction: 'down' as const,
    problem: problem !== undefined,
    ...(lastSeenAt === undefined ? {} : { lastSeenAt }),
    ...(behind === undefined ? {} : { behind }),
  }));
  if (parent === undefined) return down;
  const up = {
    ...stateOf(parent),
    direction: 'up' as const,
    problem: known.parent === 'failing',
    // A link that is up is a conversation: the parent was heard just now.
    ...(known.parent === 'running' ? { lastSeenAt: at } : {}),
  };
  return [up, ...down];
}
