import type { UpdateProjection, UpdateState } from '@sallyport/core/domain/updates/event';
import type { OrderAction, WarningConsent } from '@sallyport/core/domain/updates/order';
import { type PrerequisiteResult, unconsented } from '@sallyport/core/domain/updates/prerequisites';
import type { SiteCode } from '@sallyport/core/shared/ids';
import type { ReadTables } from '../../ports/site-database.ts';

/** A package that this site is ordered to do something with, and how far it has come. */
export interface OrderedWork {
  readonly projection: UpdateProjection;
  readonly action: OrderAction;
  /** Sequence of the order: who was ordered first goes first. */
  readonly order: number;
  readonly consent?: WarningConsent;
}

/** From these something follows, whoever has to do it. */
const underWay: ReadonlySet<UpdateState> = new Set<UpdateState>([
  'ENABLED',
  'CONTENT_REPLICATING',
  'CONTENT_REPLICATION_SUCCESS',
  'PREREQ_IN_PROGRESS',
  'PREREQ_SUCCESS',
  'PREREQ_WARNING',
  'INSTALL_WAITING_PARENT',
  'INSTALL_WAITING_SERVICE_WINDOW',
  'INSTALL_IN_PROGRESS',
]);

/** The ordered packages of the site that are not at rest, in the order of their orders. */
export function orderedWork(tables: ReadTables, site: SiteCode): readonly OrderedWork[] {
  return tables.updates
    .projections({ site })
    .filter(({ state }) => underWay.has(state))
    .map((projection) => ({ projection, ...orderInForce(tables, projection) }))
    .filter((work) => !isAtRest(work, site))
    .toSorted((a, b) => a.order - b.order);
}

/** Content that is not here yet is somebody else's work. */
export function waitsForContent({ projection: { state } }: OrderedWork): boolean {
  return state === 'ENABLED' || state === 'CONTENT_REPLICATING';
}

/** The prerequisite results that led to the state, where the state is one of those. */
function resultsOf({ data }: UpdateProjection): readonly PrerequisiteResult[] {
  const results = data['results'];
  return Array.isArray(results) ? (results as readonly PrerequisiteResult[]) : [];
}

function isAtRest({ projection, action, consent }: OrderedWork, site: SiteCode): boolean {
  switch (projection.state) {
    case 'PREREQ_SUCCESS':
      return action !== 'install';
    case 'PREREQ_WARNING':
      return action !== 'install' || unconsented(resultsOf(projection), consent, site).length > 0;
    default:
      return false;
  }
}

/** What the last `ordered` event of the attempt says. Without one nothing is to be installed. */
function orderInForce(tables: ReadTables, projection: UpdateProjection): Omit<OrderedWork, 'projection'> {
  const { guid, site, attempt } = projection;
  const ordered = tables.updates
    .events({ guid, site })
    .findLast((event) => event.event === 'ordered' && event.attempt === attempt);
  const { order, action, consent } = ordered?.data ?? {};
  return {
    action: action === 'install' ? 'install' : 'check-prerequisites',
    order: typeof order === 'number' ? order : 0,
    ...(consent === undefined ? {} : { consent: consent as WarningConsent }),
  };
}
