import { overallState } from '@sallyport/core/domain/updates/overall-state';
import type { UpdateEvent } from '@sallyport/core/domain/updates/event';
import type { PrerequisiteResult } from '@sallyport/core/domain/updates/prerequisites';
import { stepAfter } from '@sallyport/core/domain/updates/install-steps';
import { stateCode } from '@sallyport/core/domain/updates/state-codes';
import type { PackageGuid, SiteCode } from '@sallyport/core/shared/ids';
import type { PackageStatusResult, SiteStatusResult, TransferResult } from '@sallyport/core/wire/api';
import type { ReadTables } from '../../ports/site-database.ts';
import { contentRecordKey, type ContentStatus } from '../distribution-manager/content-status.ts';
import { isOnlyEvaluated } from '../hierarchy-manager/package-states.ts';
import { isTopTierSite, type SiteIdentity } from '../hierarchy-manager/site-identity.ts';
import { packageOf, type TrustedView } from '../hierarchy-manager/trusted-view.ts';
import type { TransferProgress } from '../work/transfer-log.ts';
import type { OrderBook, SiteWork } from './order-book.ts';
import { phasesOf } from './phases.ts';

/** What the status of packages is made of: one snapshot of the database, and what is transferred at this moment. */
export interface StatusSource {
  readonly tables: ReadTables;
  readonly book: OrderBook;
  readonly site: SiteIdentity;
  readonly view: TrustedView;
  /** Transfers under way at this site. */
  readonly transfers: readonly TransferProgress[];
}

/** The packages that something is or was being done with, the last one first. */
export function activePackages({ tables, book }: StatusSource): readonly PackageGuid[] {
  const latest = new Map<PackageGuid, number>();
  for (const { guid, state, since } of tables.updates.projections()) {
    if (!isOnlyEvaluated(state)) latest.set(guid, Math.max(since, latest.get(guid) ?? 0));
  }
  for (const { guid, issuedAt } of book.orders)
    latest.set(guid, Math.max(Date.parse(issuedAt), latest.get(guid) ?? 0));
  return [...latest].toSorted(([, a], [, b]) => b - a).map(([guid]) => guid);
}

export function packageStatus(guid: PackageGuid, source: StatusSource): PackageStatusResult {
  const { book, site, view, tables } = source;
  const known = packageOf(view, guid);
  const order = book.lastWork(guid);
  const told = book
    .workOf(guid)
    .filter(
      (work) => work.order !== undefined || work.projection !== undefined || work.site.code === site.code,
    );
  const concerned = isTopTierSite(site)
    ? told
    : told.filter((work) => work.site.code === site.code || work.projection !== undefined);
  const overall = overallState(
    site.code,
    concerned.map((work) => ({ site: work.site.code, projection: work.projection })),
  );
  const events = tables.updates.events({ guid });
  return {
    guid,
    name: known?.descriptor?.name ?? guid,
    ...(known === undefined ? {} : { product: known.product.product, version: known.entry.version }),
    ...(order === undefined ? {} : { action: order.action, order: order.sequence }),
    state: overall.state,
    stateCode: stateCode(overall.state),
    decidedBy: overall.site,
    reason: overall.reason,
    sites: concerned.map((work) =>
      siteStatus(
        work,
        events.filter((event) => event.site === work.site.code),
        guid,
        source,
      ),
    ),
  };
}

function siteStatus(
  work: SiteWork,
  events: readonly UpdateEvent[],
  guid: PackageGuid,
  source: StatusSource,
): SiteStatusResult {
  const { site, projection, order } = work;
  const state = projection?.state ?? 'UNKNOWN';
  const attempt = projection?.attempt ?? 0;
  const ofAttempt = events.filter((event) => event.attempt === attempt && attempt > 0);
  const moved = transferred(events);
  const transfer = transferOf(site.code, guid, source);
  const results = ofAttempt.findLast(({ data }) => Array.isArray(data['results']))?.data['results'];
  const nextAt = projection?.nextAt;
  const refusal = refusalOf(work);
  return {
    site: site.code,
    type: site.type,
    state,
    stateCode: stateCode(state),
    reason: transfer?.interrupted ?? reasonOf(work),
    ...(projection === undefined ? {} : { since: projection.since }),
    ...(nextAt === undefined ? {} : { nextAt }),
    // That of the state, also while a newer order is on its way there.
    attempt,
    ...(work.pending ? { pending: true } : {}),
    ...(refusal === undefined ? {} : { refused: { code: refusal.code, order: refusal.sequence } }),
    ...(state === 'INSTALL_IN_PROGRESS' ? { step: stepAfter(projection?.stepsDone ?? []) } : {}),
    stepsDone: [...(projection?.stepsDone ?? [])],
    ...moved,
    ...(transfer === undefined ? {} : { transfer }),
    phases: [...phasesOf(events, projection, { topTier: site.parent === undefined, action: order?.action })],
    ...(results === undefined ? {} : { prerequisites: [...(results as readonly PrerequisiteResult[])] }),
  };
}

/** Why the site did not take the newest order up. */
function refusalOf({ order, projection, refusal }: SiteWork): SiteWork['refusal'] {
  return (projection?.attempt ?? 0) < (order?.attempt ?? 0) ? refusal : undefined;
}

function reasonOf(work: SiteWork): string {
  const { order, projection, pending, waits } = work;
  const refusal = refusalOf(work);
  if (refusal !== undefined) {
    return `The site refused order ${refusal.sequence} (${refusal.code}): ${refusal.reason}`;
  }
  if (pending && order !== undefined && waits !== undefined)
    return `Order ${order.sequence} waits at site ${work.site.code}, which says: ${waits}`;
  if (pending && order !== undefined)
    return `Order ${order.sequence} has not been taken up there yet: the site may be away, or busy with an earlier one.`;
  return projection?.reason ?? 'Nothing has been done with it here.';
}

/** What travelled to the site for the package, over all attempts: a later one finds what an earlier one fetched. */
function transferred(events: readonly UpdateEvent[]): Pick<SiteStatusResult, 'receivedBytes' | 'totalBytes'> {
  const finished = events.filter(
    ({ event }) => event === 'download-succeeded' || event === 'replication-succeeded',
  );
  const totalBytes = finished.at(-1)?.data['totalBytes'];
  if (typeof totalBytes !== 'number') return {};
  const receivedBytes = finished.reduce((sum, { data }) => sum + Number(data['receivedBytes'] ?? 0), 0);
  return { receivedBytes, totalBytes };
}

function transferOf(
  code: SiteCode,
  guid: PackageGuid,
  { tables, site, transfers }: StatusSource,
): TransferResult | undefined {
  if (code !== site.code) {
    const status = tables.records.get(code, 'site-status', contentRecordKey)?.body as
      | ContentStatus
      | undefined;
    const found = status?.transfers.find((transfer) => transfer.guid === guid);
    if (found === undefined) return undefined;
    const { guid: _, ...progress } = found;
    return progress;
  }
  const own = transfers.find((transfer) => transfer.guid === guid);
  if (own === undefined) return undefined;
  const { doneBytes, totalBytes, receivedBytes, rateBytesPerSecond, remainingMs, interrupted } = own;
  return {
    doneBytes,
    totalBytes,
    receivedBytes,
    bytesPerSecond: rateBytesPerSecond,
    ...(remainingMs === undefined ? {} : { remainingMs }),
    ...(interrupted === undefined ? {} : { interrupted }),
  };
}
