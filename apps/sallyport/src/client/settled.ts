import type {
  ActionResult,
  PackageStatusResult,
  SiteStatusResult,
  StatusResult,
} from '@sallyport/core/wire/api';

/** How far an action has come at the sites it is for. */
export interface Progress {
  readonly kind: 'failed' | 'succeeded' | 'under-way';
  /** Absent until the site server knows of it. */
  readonly package: PackageStatusResult | undefined;
}

/** A warning that somebody consented to is passed at once; one that rests this long needs somebody. */
const warningRestsAfterMs = 10_000;

/**
 * Whether what was asked for (an order, or a download without one) has come to rest at every site that it is for: done, or in need of somebody.
 *
 * @param action the answer to the order: its GUID, attempt and sites
 */
export function progressOf(status: StatusResult, action: ActionResult): Progress {
  const order = action.orders.at(-1);
  const found = status.packages.find(({ guid }) => guid === (order?.guid ?? action.guid));
  if (found === undefined) return { kind: 'under-way', package: found };
  if (order === undefined) return { kind: restOfDownload(found), package: found };
  const concerned = action.sites.map((code) => found.sites.find(({ site }) => site === code));
  const rests = concerned.map((site) =>
    site === undefined ? 'under-way' : restOf(site, found, order.attempt, status.at),
  );
  if (rests.includes('under-way')) return { kind: 'under-way', package: found };
  return { kind: rests.includes('failed') ? 'failed' : 'succeeded', package: found };
}

function restOfDownload({ state }: PackageStatusResult): Progress['kind'] {
  if (state === 'DOWNLOAD_IN_PROGRESS' || state === 'APPLICABILITY_SUCCESS') return 'under-way';
  return state === 'DOWNLOAD_FAILED' ? 'failed' : 'succeeded';
}

function restOf(
  site: SiteStatusResult,
  found: PackageStatusResult,
  attempt: number,
  at: number,
): Progress['kind'] {
  const { action } = found;
  // What it has installed may be from before: an order that is still on its way there may ask for it anew.
  if (site.state === 'INSTALL_SUCCESS' && site.pending !== true) return 'succeeded';
  if (site.attempt < attempt) return site.refused === undefined ? 'under-way' : 'failed';
  switch (site.state) {
    case 'PREREQ_SUCCESS':
      return action === 'check-prerequisites' ? 'succeeded' : 'under-way';
    case 'PREREQ_WARNING':
      if (action === 'check-prerequisites') return 'succeeded';
      return at - (site.since ?? at) > warningRestsAfterMs ? 'failed' : 'under-way';
    case 'PREREQ_ERROR':
    case 'INSTALL_FAILED':
    case 'APPLICABILITY_HIDE':
      return 'failed';
    case 'DOWNLOAD_SUCCESS':
    case 'APPLICABILITY_SUCCESS':
      // Cancelled: it is back where it was before the order.
      return 'failed';
    case 'INSTALL_WAITING_PARENT':
      return parentHasFailed(site, found, at) ? 'failed' : 'under-way';
    default:
      return 'under-way';
  }
}

/** Primaries wait for the central site: while that stands still, so do they. Secondaries are told only when theirs is done. */
function parentHasFailed(site: SiteStatusResult, found: PackageStatusResult, at: number): boolean {
  const central = found.sites.find(({ type }) => type === 'central');
  return (
    site.type === 'primary' &&
    central !== undefined &&
    restOf(central, found, central.attempt, at) === 'failed'
  );
}
