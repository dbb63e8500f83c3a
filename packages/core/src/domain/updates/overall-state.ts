import type { EpochMs, SiteCode } from '../../shared/ids.ts';
import type { UpdateProjection, UpdateState } from './event.ts';

/** A package's state over the whole hierarchy. */
export interface OverallState {
  readonly state: UpdateState;
  /** The site that decides: the worst one. */
  readonly site: SiteCode;
  readonly since?: EpochMs;
  readonly reason: string;
  readonly counts: Readonly<Partial<Record<UpdateState, number>>>;
}

/** One site that the package is meant for, and what is known of it there. */
export interface SiteProjection {
  readonly site: SiteCode;
  readonly projection: UpdateProjection | undefined;
}

/** Worst first: what needs somebody, then what has the longest way to go. */
const worstFirst: readonly UpdateState[] = [
  'INSTALL_FAILED',
  'PREREQ_ERROR',
  'CONTENT_REPLICATION_FAILED',
  'PREREQ_WARNING',
  'ENABLED',
  'CONTENT_REPLICATING',
  'CONTENT_REPLICATION_SUCCESS',
  'PREREQ_IN_PROGRESS',
  'PREREQ_SUCCESS',
  // Sites that wait do so for one that installs.
  'INSTALL_IN_PROGRESS',
  'INSTALL_WAITING_SERVICE_WINDOW',
  'INSTALL_WAITING_PARENT',
  'INSTALL_SUCCESS',
];

/**
 * The state of a package in the hierarchy: the top-tier site's own until an order is given, then that of the worst
 * site. A site that the newest order has not reached yet counts as ENABLED; one that has given it up (cancelled,
 * reset, withdrawn) decides only where all have.
 *
 * @param topTier one of `sites`
 * @param sites those that the orders so far were for; secondaries only when they were ordered
 */
export function overallState(topTier: SiteCode, sites: readonly SiteProjection[]): OverallState {
  const attempt = Math.max(0, ...sites.map(({ projection }) => projection?.attempt ?? 0));
  const underWay = sites.some(({ projection }) => rank(stateOf(projection)) !== undefined);
  const counts: Partial<Record<UpdateState, number>> = {};
  let worst: { readonly site: SiteCode; readonly state: UpdateState; readonly rank: number } | undefined;
  for (const { site, projection } of sites) {
    const late = underWay && (projection?.attempt ?? 0) < attempt && rank(stateOf(projection)) === undefined;
    const state = late ? 'ENABLED' : stateOf(projection);
    counts[state] = (counts[state] ?? 0) + 1;
    const own = rank(state);
    if (own !== undefined && own < (worst?.rank ?? Number.POSITIVE_INFINITY)) {
      worst = { site, state, rank: own };
    }
  }
  const site = worst?.site ?? topTier;
  const projection = sites.find((candidate) => candidate.site === site)?.projection;
  return { ...described(site, projection), state: worst?.state ?? stateOf(projection), site, counts };
}

function stateOf(projection: UpdateProjection | undefined): UpdateState {
  return projection?.state ?? 'UNKNOWN';
}

/** Undefined for states outside an order. */
function rank(state: UpdateState): number | undefined {
  const index = worstFirst.indexOf(state);
  return index < 0 ? undefined : index;
}

function described(
  site: SiteCode,
  projection: UpdateProjection | undefined,
): { readonly reason: string; readonly since?: EpochMs } {
  return projection === undefined
    ? { reason: `Site ${site} has said nothing about it yet.` }
    : { reason: projection.reason, since: projection.since };
}
