import { ordersPerEpoch } from '@sallyport/core/domain/sites/epoch';
import { topTierOf } from '@sallyport/core/domain/sites/roster';
import type { Roster, RosterEntry } from '@sallyport/core/domain/sites/site';
import type { UpdateProjection } from '@sallyport/core/domain/updates/event';
import type { Order } from '@sallyport/core/domain/updates/order';
import type { PackageGuid, SiteCode } from '@sallyport/core/shared/ids';
import { isAddressed } from '../hierarchy-manager/order-judgement.ts';
import type { RefusedOrder } from '../hierarchy-manager/order-setting.ts';
import type { OrdersStatus } from '../hierarchy-manager/own-records.ts';
import { isUnderWay } from '../hierarchy-manager/package-states.ts';

/** More attempts than anybody makes at a package: a site that speaks of more is not believed. */
const attemptsClaimedMax = 1_000_000;

/** What a site has been told to do with a package, and how far it has come. */
export interface SiteWork {
  readonly site: RosterEntry;
  /** The newest order for the package that is for this site. */
  readonly order?: Order;
  readonly projection?: UpdateProjection;
  /** The order has not been judged there yet, as far as is known here. */
  readonly pending: boolean;
  /** Why the site has not taken it up, in its own words. */
  readonly waits?: string;
  /** The site refused the order. */
  readonly refusal?: RefusedOrder;
}

/** An install that keeps others from beginning. */
export interface RunningInstall {
  readonly guid: PackageGuid;
  readonly sites: readonly SiteCode[];
  /** All of `sites` wait for these, which have stopped: nothing goes on by itself. Empty while something does. */
  readonly stoppedAt: readonly SiteCode[];
}

/** One look at the hierarchy's orders, and what is known here of every site's work on them. */
export class OrderBook {
  readonly orders: readonly Order[];
  readonly #sites: readonly RosterEntry[];
  readonly #ordersOf: ReadonlyMap<PackageGuid, readonly Order[]>;
  readonly #firstOfEpoch: number;
  readonly #statuses: ReadonlyMap<SiteCode, OrdersStatus>;
  readonly #projections: ReadonlyMap<string, UpdateProjection>;

  /** @param orders in the order of their sequences */
  constructor(data: {
    readonly orders: readonly Order[];
    readonly roster: Roster;
    readonly statuses: ReadonlyMap<SiteCode, OrdersStatus>;
    readonly projections: readonly UpdateProjection[];
  }) {
    this.orders = data.orders;
    this.#ordersOf = Map.groupBy(data.orders, ({ guid }) => guid);
    this.#sites = data.roster.sites.filter((site) => site.revoked === undefined);
    this.#firstOfEpoch = ordersPerEpoch * ((topTierOf(data.roster)?.epoch ?? 1) - 1);
    this.#statuses = data.statuses;
    this.#projections = new Map(
      data.projections.map((projection) => [`${projection.guid} ${projection.site}`, projection]),
    );
  }

  /**
   * Above every order that was ever given: those known here, those that any site says it has seen, and those that a
   * restored top-tier site has forgotten and whose sites are not heard of yet. For the last ones each epoch of the
   * top-tier site has numbers of its own.
   *
   * A site's word counts up to the middle of the numbers of this epoch only, and that of a revoked site not at all:
   * whoever claims to have seen more than was given uses up no more than the lower half, and takes no order from others.
   */
  nextSequence(): number {
    const claimableMax = this.#firstOfEpoch + ordersPerEpoch / 2;
    return (
      1 +
      Math.max(
        this.#firstOfEpoch,
        ...this.orders.map(({ sequence }) => sequence),
        ...this.#sites.map(({ code }) => Math.min(this.#statuses.get(code)?.last ?? 0, claimableMax)),
      )
    );
  }

  /** The newest order about a package that is not a cancel. */
  lastWork(guid: PackageGuid): Order | undefined {
    return this.#ordersOf.get(guid)?.findLast(({ action }) => action !== 'cancel');
  }

  /** Above every attempt at a package so far. */
  nextAttempt(guid: PackageGuid): number {
    const attempts = (this.#ordersOf.get(guid) ?? []).map(({ attempt }) => attempt);
    const seen = this.#sites.map(({ code }) =>
      Math.min(this.projection(guid, code)?.attempt ?? 0, attemptsClaimedMax),
    );
    return 1 + Math.max(0, ...attempts, ...seen);
  }

  projection(guid: PackageGuid, site: SiteCode): UpdateProjection | undefined {
    return this.#projections.get(`${guid} ${site}`);
  }

  /** Every site in the roster that is not revoked, with its work on a package. */
  workOf(guid: PackageGuid): readonly SiteWork[] {
    return this.#sites.map((site) => this.#siteWork(guid, site));
  }

  /** The package that a site works on, or is going to work on, if there is one. */
  packageInHand(site: RosterEntry): PackageGuid | undefined {
    return [...this.#ordersOf.keys()].find((guid) => isWorking(this.#siteWork(guid, site)));
  }

  /** The package whose install is running somewhere, if there is one. Secondary sites install by themselves. */
  runningInstall(): RunningInstall | undefined {
    for (const guid of this.#ordersOf.keys()) {
      const works = this.workOf(guid);
      const running = works.filter((work) => work.site.type !== 'secondary' && isInstalling(work));
      if (running.length === 0) continue;
      const stopped = running.flatMap((work) => parentThatStopped(work, works) ?? []);
      return {
        guid,
        sites: running.map(({ site }) => site.code),
        stoppedAt: stopped.length === running.length ? [...new Set(stopped)] : [],
      };
    }
    return undefined;
  }

  #siteWork(guid: PackageGuid, site: RosterEntry): SiteWork {
    const order = this.#ordersOf.get(guid)?.findLast((candidate) => isAddressed(candidate, site));
    const projection = this.projection(guid, site.code);
    const base = { site, ...(projection === undefined ? {} : { projection }) };
    if (order === undefined) return { ...base, pending: false };
    const status = this.#statuses.get(site.code);
    const judged =
      status !== undefined && status.last >= order.sequence && !status.deferred.includes(order.sequence);
    const refusal = status?.refused.find(({ sequence }) => sequence === order.sequence);
    const pending = order.action !== 'cancel' && (projection?.attempt ?? 0) < order.attempt && !judged;
    const waits = status?.waits?.find(({ sequence }) => sequence === order.sequence)?.reason;
    return {
      ...base,
      order,
      pending,
      ...(waits === undefined ? {} : { waits }),
      ...(refusal === undefined ? {} : { refusal }),
    };
  }
}

/** Whether a site works, or is going to work, on a package without anybody asking again. */
export function isWorking({ order, projection, pending }: SiteWork): boolean {
  if (pending) return true;
  if (order === undefined || projection === undefined) return false;
  return (
    isUnderWay(projection.state) || (projection.state === 'PREREQ_SUCCESS' && order.action === 'install')
  );
}

/** The parent that a site waits for, where that one has stopped without having installed. */
function parentThatStopped({ site, projection }: SiteWork, works: readonly SiteWork[]): SiteCode | undefined {
  if (projection?.state !== 'INSTALL_WAITING_PARENT') return undefined;
  const parent = works.find((work) => work.site.code === site.parent);
  if (parent === undefined || isWorking(parent)) return undefined;
  return parent.projection?.state === 'INSTALL_SUCCESS' ? undefined : parent.site.code;
}

function isInstalling(work: SiteWork): boolean {
  return work.order?.action === 'install' && isWorking(work);
}
