import type { UpdateEventName, UpdateProjection } from '@sallyport/core/domain/updates/event';
import type { Order } from '@sallyport/core/domain/updates/order';
import {
  allowedEvents,
  canCancel,
  nextEvent,
  switchMayHaveBegun,
} from '@sallyport/core/domain/updates/state';
import type { PackageGuid, SiteCode } from '@sallyport/core/shared/ids';
import type { ActionResult, ApiInput } from '@sallyport/core/wire/api';
import type { TrustedPackage, TrustedView } from '../hierarchy-manager/trusted-view.ts';
import { result } from './action-result.ts';
import { OperationError } from './operation-error.ts';
import type { OrderBooks } from './order-books.ts';
import { OrderIssue, type OrderRequest } from './order-issue.ts';
import { nameOf, PackageChecks } from './package-checks.ts';
import { findPackage } from './package-lookup.ts';
import { planSecondary } from './secondary-upgrade.ts';
import { SiteChecks } from './site-checks.ts';
import type { OperationsPorts, TopTierPorts } from './site-ports.ts';

/**
 * What an administrator can do with packages. Only the top-tier site acts; one action at a time, each judged on a
 * selection made after it was asked for, and refused with cause and remedy when it must not be.
 */
export class PackageActions {
  readonly #ports: OperationsPorts;
  readonly #books: OrderBooks;
  readonly #checks: PackageChecks;
  readonly #sites: SiteChecks;
  readonly #orders: OrderIssue;
  #last: Promise<unknown> = Promise.resolve();

  constructor(ports: OperationsPorts, books: OrderBooks) {
    this.#ports = ports;
    this.#books = books;
    this.#checks = new PackageChecks(ports, books);
    this.#sites = new SiteChecks(ports, books);
    const signOrder = (order: Order): unknown => this.requireTopTier().signOrder(order);
    this.#orders = new OrderIssue({ ...ports, books, signOrder });
  }

  /** Starts a download, or one that failed anew. Superseded packages may be downloaded too. */
  download({ id, by }: ApiInput<'download'>): Promise<ActionResult> {
    return this.#act(id, (found) => {
      const { guid } = found.entry;
      const notes = this.#checks.available(found);
      const own = this.#projection(guid);
      if (own?.state === 'DOWNLOAD_IN_PROGRESS')
        return result('nothing-to-do', guid, `${nameOf(found)} is being downloaded already.`);
      if (own?.state === 'DOWNLOAD_SUCCESS')
        return result('nothing-to-do', guid, `${nameOf(found)} is downloaded already.`);
      if (own === undefined || !allowedEvents(own.state).includes('download-started')) {
        const state = own?.state ?? 'UNKNOWN';
        throw new OperationError(
          'NOT_ALLOWED',
          `${nameOf(found)} cannot be downloaded in state ${state}: ${own?.reason ?? 'it has not been selected yet'}`,
          { guid, state },
        );
      }
      this.#append(guid, 'download-started', { by, reason: `Download started by ${by}.` });
      return result('started', guid, `The download of ${nameOf(found)} has started.`, { notes });
    });
  }

  /** Has every primary check the prerequisites; nothing is changed there but the content library. */
  checkPrerequisites({ id, by }: ApiInput<'check-prerequisites'>): Promise<ActionResult> {
    return this.#act(id, (found) => {
      const notes = this.#checks.available(found);
      this.#checks.orderable(found);
      this.#sites.noInstallRunning();
      return this.#ordered(
        found,
        { action: 'check-prerequisites', by, sites: 'primaries', features: [] },
        notes,
      );
    });
  }

  /**
   * Has the top-tier site install, and the primaries after it. Every site checks the prerequisites again first. Where
   * the top-tier site has the package already, the primaries that lack it follow.
   */
  install(input: ApiInput<'install'>): Promise<ActionResult> {
    return this.#act(input.id, (found, view) => {
      const following = this.#sites.followers(found, input.sites);
      if (following.length > 0) return this.#installAt(found, input, following, [], view);
      const notes = this.#checks.available(found);
      this.#checks.orderable(found);
      const sites = input.sites === undefined ? undefined : this.#sites.primaries(input.sites);
      return this.#installAt(found, input, sites, notes);
    });
  }

  /** Brings a secondary site to what its parent has installed, content included. */
  upgradeSecondary({ site, by, ignoreWarnings }: ApiInput<'upgrade-secondary'>): Promise<ActionResult> {
    return this.#exclusively((view) => {
      const { plan, parent } = planSecondary(this.#ports, this.#books, site, view);
      if (plan.length === 0)
        return result(
          'nothing-to-do',
          undefined,
          `Site ${site} has everything that its parent ${parent} has.`,
        );
      for (const found of plan) this.#checks.trusted(found, view);
      const consents = plan.map((found) => this.#checks.consent(found, ignoreWarnings, [site], 'offered'));
      const orders = plan.map((found, index) => {
        const again = this.#orders.asBefore(found.entry.guid);
        return this.#orders.issue(found, {
          ...again,
          action: 'install',
          by,
          sites: [site],
          ...consents[index]?.given,
        });
      });
      const names = plan.map(nameOf).join(', then ');
      const notes = [...new Set(consents.flatMap((consent) => consent.notes))];
      return result('ordered', undefined, `Site ${site} has been told to install ${names}.`, {
        orders,
        sites: [site],
        notes,
      });
    });
  }

  /** Stops whatever is under way, everywhere where the switch has not begun. */
  cancel({ id, by }: ApiInput<'cancel'>): Promise<ActionResult> {
    return this.#act(id, (found) => {
      const { guid } = found.entry;
      if (this.#projection(guid)?.state === 'DOWNLOAD_IN_PROGRESS') {
        this.#append(guid, 'cancelled', {
          cancelledBy: by,
          reason: `Download cancelled by ${by}: it waits until somebody starts it again.`,
        });
        return result('done', guid, `The download of ${nameOf(found)} was cancelled.`);
      }
      const works = this.#books
        .open()
        .workOf(guid)
        .filter(({ order }) => order !== undefined);
      const cancellable = works.filter(
        ({ projection, pending }) => pending || (projection !== undefined && canCancel(projection)),
      );
      const late = works
        .filter(({ projection }) => projection !== undefined && switchMayHaveBegun(projection))
        .map(({ site }) => site.code);
      const notes =
        late.length === 0
          ? []
          : [`Too late at ${late.join(', ')}: the switch to the new release has begun there.`];
      if (cancellable.length === 0) {
        throw new OperationError(
          'NOT_ALLOWED',
          `nothing of ${nameOf(found)} can be cancelled. ${notes.join(' ') || 'Nothing is under way.'}`,
          { guid },
        );
      }
      const sites = cancellable.map(({ site }) => site.code);
      const order = this.#orders.issue(found, {
        action: 'cancel',
        by,
        sites,
        features: [],
        attempt: this.#orders.lastAttempt(guid),
      });
      return result('ordered', guid, `${nameOf(found)} is being cancelled at ${sites.join(', ')}.`, {
        orders: [order],
        sites,
        notes,
      });
    });
  }

  /** A new attempt where the last one stopped: everywhere, or at one site. Warnings are never ignored silently. */
  retry({ id, by, site, ignoreWarnings }: ApiInput<'retry'>): Promise<ActionResult> {
    return this.#act(id, (found, view) => {
      const { guid } = found.entry;
      const here = this.#ports.site.code;
      if (this.#projection(guid)?.state === 'DOWNLOAD_FAILED' && (site === undefined || site === here)) {
        this.#append(guid, 'download-started', { by, reason: `Download tried again by ${by}.` });
        return result('started', guid, `The download of ${nameOf(found)} is tried again.`);
      }
      this.#checks.notWithdrawn(found);
      const sites = this.#sites.stoppedSites(found, site);
      if (sites.includes(here)) this.#checks.available(found);
      else this.#checks.trusted(found, view);
      this.#sites.noInstallRunning(guid);
      const consent = this.#checks.consent(found, ignoreWarnings, sites, 'offered');
      const action = this.#books.open().lastWork(guid)?.action ?? 'install';
      if (action === 'install') this.#sites.parentsFirst(found, sites);
      return this.#ordered(
        found,
        { ...this.#orders.asBefore(guid), action, by, sites, ...consent.given },
        consent.notes,
      );
    });
  }

  /** Takes a package back to where it was before it was ordered. Only while no site has installed it. */
  reset({ id, by, deleteContent }: ApiInput<'reset'>): Promise<ActionResult> {
    return this.#act(id, (found) => {
      const { guid } = found.entry;
      const here = this.#ports.site.code;
      this.#sites.nothingInstalled(found);
      const own = this.#projection(guid);
      if (own === undefined || !allowedEvents(own.state).includes('reset')) {
        throw new OperationError(
          'NOT_ALLOWED',
          `${nameOf(found)} is in state ${own?.state ?? 'UNKNOWN'} at ${here}: there is nothing to reset`,
          { guid },
        );
      }
      const works = this.#books.open().workOf(guid);
      const others = works
        .filter(
          ({ site, order, projection, pending }) =>
            site.code !== here && order !== undefined && (pending || isTakenBack(projection)),
        )
        .map(({ site }) => site.code);
      const cancel: OrderRequest = {
        action: 'cancel',
        by,
        sites: others,
        features: [],
        attempt: this.#orders.lastAttempt(guid),
      };
      const orders = others.length === 0 ? [] : [this.#orders.issue(found, cancel)];
      this.#append(guid, 'reset', {
        by,
        ...(deleteContent === true ? { contentDeleted: true } : {}),
        reason: `Reset by ${by}.`,
      });
      return result('done', guid, `${nameOf(found)} was reset.`, { orders, sites: others });
    });
  }

  /** @throws {OperationError} NOT_TOP_TIER */
  requireTopTier(): TopTierPorts {
    const { topTier, site } = this.#ports;
    if (topTier !== undefined) return topTier;
    throw new OperationError(
      'NOT_TOP_TIER',
      `site ${site.code} has a parent, and only the top-tier site of the hierarchy decides this: ask there`,
      { site: site.code },
    );
  }

  #act(
    id: string,
    action: (found: TrustedPackage, view: TrustedView) => ActionResult,
  ): Promise<ActionResult> {
    return this.#exclusively((view) => action(findPackage(view, id), view));
  }

  /** Judges on a fresh selection, and waits until this site has taken up what was ordered. */
  #exclusively(action: (view: TrustedView) => ActionResult): Promise<ActionResult> {
    const done = this.#last.then(async () => {
      this.requireTopTier();
      const { manager, documents } = this.#ports;
      await manager.evaluate();
      const answer = action(await documents.view());
      if (answer.orders.length > 0) await manager.evaluate();
      return answer;
    });
    // The next one in the queue does not care how this one ended; its caller hears it.
    this.#last = done.catch(() => undefined);
    return done;
  }

  #projection(guid: PackageGuid): UpdateProjection | undefined {
    return this.#ports.database.read(({ updates }) => updates.projection(guid, this.#ports.site.code));
  }

  #append(guid: PackageGuid, event: UpdateEventName, data: Readonly<Record<string, unknown>>): void {
    const { database, site, clock } = this.#ports;
    database.write(({ updates }) => {
      updates.append(
        nextEvent(updates.projection(guid, site.code), {
          guid,
          site: site.code,
          event,
          at: clock.now(),
          data,
        }),
      );
    });
  }

  #ordered(found: TrustedPackage, request: OrderRequest, notes: readonly string[]): ActionResult {
    const order = this.#orders.issue(found, request);
    const work = order.action === 'install' ? 'The install' : 'The prerequisite check';
    const message = `${work} of ${nameOf(found)} has been ordered (order ${order.sequence}).`;
    return result('ordered', order.guid, message, {
      orders: [order],
      sites: order.sites === 'primaries' ? this.#primaries() : order.sites,
      notes,
    });
  }

  /** @param view given for sites that follow the top-tier site, which has installed the package */
  #installAt(
    found: TrustedPackage,
    input: ApiInput<'install'>,
    sites: readonly SiteCode[] | undefined,
    notes: readonly string[],
    view?: TrustedView,
  ): ActionResult {
    if (view !== undefined) this.#checks.trusted(found, view);
    this.#sites.noInstallRunning(view === undefined ? undefined : found.entry.guid);
    const licence = this.#checks.licence(found, input);
    const consent = this.#checks.consent(found, input.ignoreWarnings, sites, 'required');
    const features = this.#checks.features(found, input.features);
    const order: OrderRequest = {
      action: 'install',
      by: input.by,
      sites: sites ?? 'primaries',
      features,
      ...consent.given,
      ...licence,
    };
    return this.#ordered(found, order, [...notes, ...consent.notes]);
  }

  #primaries(): readonly SiteCode[] {
    const { roster } = this.#ports.hierarchy.current();
    return roster.sites
      .filter(({ type, revoked }) => type !== 'secondary' && revoked === undefined)
      .map(({ code }) => code);
  }
}

/** Whether a cancel order takes anything back at a site in this state. */
function isTakenBack(projection: UpdateProjection | undefined): boolean {
  return projection !== undefined && (canCancel(projection) || projection.state === 'INSTALL_FAILED');
}
