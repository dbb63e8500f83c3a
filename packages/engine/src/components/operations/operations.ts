import { reasonOf } from '@sallyport/core/domain/updates/state-reasons';
import type {
  ActionResult,
  ApiInput,
  CheckResult,
  ExchangeResult,
  HistoryResult,
  ListResult,
  PackageResult,
  ShowResult,
  SitesResult,
  StatusResult,
  UsageResult,
  WarningsResult,
  WhyResult,
} from '@sallyport/core/wire/api';
import type { PackageGuid, ProductId } from '@sallyport/core/shared/ids';
import type { ReadTables } from '../../ports/site-database.ts';
import { isOlder } from '../hierarchy-manager/order-judgement.ts';
import { readSelection } from '../hierarchy-manager/selection-setting.ts';
import { packageOf, packagesOf, type TrustedView } from '../hierarchy-manager/trusted-view.ts';
import { offlineSteps } from '../service-connection/offline-sources.ts';
import { PackageActions } from './actions.ts';
import { knownWarnings } from './consent.ts';
import { OperationError } from './operation-error.ts';
import { OrderBooks } from './order-books.ts';
import { findPackage } from './package-lookup.ts';
import {
  exchangeResult,
  packageResult,
  type PackageSnapshot,
  showResult,
  whyResult,
} from './package-views.ts';
import type { OperationsPorts } from './site-ports.ts';
import { sitesResult } from './site-view.ts';
import { activePackages, packageStatus } from './status-view.ts';
import { watchStatus } from './watch.ts';

/** Not for everybody's eyes: what does not apply, or will never be of use here. */
const shownStates: ReadonlySet<string> = new Set(['APPLICABILITY_HIDE', 'APPLICABILITY_NA', 'UNKNOWN']);
/** Packages in the status of everything. */
const statusMax = 20;

/**
 * The administrator's operations on updates, behind the local API and whatever else asks. Reading works at every
 * site, on what that site knows; deciding is the top-tier site's.
 *
 * Refusals are `OperationError`s; whatever else is thrown is a fault.
 */
export class SiteOperations {
  readonly #ports: OperationsPorts;
  readonly #books: OrderBooks;
  readonly #actions: PackageActions;

  constructor(ports: OperationsPorts) {
    this.#ports = ports;
    this.#books = new OrderBooks(ports);
    this.#actions = new PackageActions(ports, this.#books);
  }

  /** Exchanges with the vendor now, and selects. What is found downloads by itself as selection says. */
  async check(): Promise<CheckResult> {
    const { downloader, offline } = this.#actions.requireTopTier();
    if (offline) {
      throw new OperationError(
        'OFFLINE',
        `this site is offline and asks its vendor by media only, with the service connection tool: ${offlineSteps}`,
      );
    }
    await downloader.checkNow();
    await this.#ports.manager.evaluate();
    const { exchange, packages } = await this.list({});
    return {
      exchange,
      available: packages.filter(({ verdict }) => verdict === 'available' || verdict === 'superseded'),
    };
  }

  /** The packages worth knowing of, newest first; all of them when asked. */
  async list({ all = false }: ApiInput<'list'>): Promise<ListResult> {
    const view = await this.#ports.documents.view();
    return this.#look((tables, snapshot) => {
      const packages = packagesOf(view).map((found) => packageResult(found, snapshot));
      const problem =
        view.problem ?? [...view.products.values()].find((product) => product.problem !== undefined)?.problem;
      return {
        exchange: this.#exchange(tables),
        ...(problem === undefined ? {} : { problem }),
        packages: packages.filter((found) => all || isWorthKnowing(found)).toSorted(newestFirst),
      };
    });
  }

  async show({ id }: ApiInput<'show'>): Promise<ShowResult> {
    const found = findPackage(await this.#ports.documents.view(), id);
    return this.#look((_, snapshot) => showResult(found, snapshot, this.#ports.digests));
  }

  /** Everything that stands against a package: which rule, which fact, what would change it. */
  async why({ id }: ApiInput<'why'>): Promise<WhyResult> {
    const { guid } = (await this.#found(id)).entry;
    this.#actions.requireTopTier();
    await this.#ports.manager.evaluate();
    const found = findPackage(await this.#ports.documents.view(), guid);
    const answer = this.#look((tables, snapshot) => whyResult(found, snapshot, this.#exchange(tables)));
    if (answer !== undefined) return answer;
    throw new OperationError('NOT_FOUND', `package "${id}" has not been selected yet: check for updates`, {
      id,
    });
  }

  /** The warnings that the last prerequisite checks found, site by site: what a consent has to name. */
  async warnings({ id }: ApiInput<'warnings'>): Promise<WarningsResult> {
    const { guid } = (await this.#found(id)).entry;
    return { warnings: [...this.#ports.database.read((tables) => knownWarnings(tables, guid))] };
  }

  download(input: ApiInput<'download'>): Promise<ActionResult> {
    return this.#actions.download(input);
  }

  checkPrerequisites(input: ApiInput<'check-prerequisites'>): Promise<ActionResult> {
    return this.#actions.checkPrerequisites(input);
  }

  install(input: ApiInput<'install'>): Promise<ActionResult> {
    return this.#actions.install(input);
  }

  upgradeSecondary(input: ApiInput<'upgrade-secondary'>): Promise<ActionResult> {
    return this.#actions.upgradeSecondary(input);
  }

  cancel(input: ApiInput<'cancel'>): Promise<ActionResult> {
    return this.#actions.cancel(input);
  }

  retry(input: ApiInput<'retry'>): Promise<ActionResult> {
    return this.#actions.retry(input);
  }

  reset(input: ApiInput<'reset'>): Promise<ActionResult> {
    return this.#actions.reset(input);
  }

  /** Everything that happened to a package, or to all, at every site known here, oldest first. */
  async history({ id }: ApiInput<'history'>): Promise<HistoryResult> {
    const view = await this.#ports.documents.view();
    const guid = id === undefined ? undefined : findPackage(view, id).entry.guid;
    const events = this.#ports.database.read(({ updates }) =>
      updates.events(guid === undefined ? {} : { guid }),
    );
    return {
      events: events
        .toSorted((a, b) => a.at - b.at)
        .map((event) => {
          const known = packageOf(view, event.guid);
          return {
            ...event,
            name: known?.descriptor?.name ?? event.guid,
            ...(known === undefined ? {} : { version: known.entry.version }),
            reason: reasonOf(event),
            data: { ...event.data },
          };
        }),
    };
  }

  /** How packages fare, site by site: one package, or those that something was done with last. */
  async status({ id }: ApiInput<'status'>): Promise<StatusResult> {
    const view = await this.#ports.documents.view();
    const guid = id === undefined ? undefined : findPackage(view, id).entry.guid;
    return this.#statusOf(view, guid === undefined ? undefined : [guid]);
  }

  /** Status snapshots as they change, until the signal is aborted. */
  watch(signal: AbortSignal): AsyncIterable<StatusResult> {
    const { database, distribution, topTier, clock } = this.#ports;
    const sources = [
      (listener: () => void) => database.onCommit(listener),
      (listener: () => void) => distribution.onProgress(listener),
      ...(topTier === undefined ? [] : [(listener: () => void) => topTier.downloader.onProgress(listener)]),
    ];
    return watchStatus(() => this.status({}), sources, clock, signal);
  }

  /** Exactly what would leave the hierarchy next. What is shown is fixed by it: what leaves is what was shown. */
  usage(): UsageResult {
    const { outbox } = this.#actions.requireTopTier();
    if (outbox === undefined) {
      return {
        kind: 'nothing-leaves',
        reason: 'This hierarchy is configured for local applicability: nothing is reported to the vendor.',
      };
    }
    const report = outbox.next();
    if (report === undefined)
      return {
        kind: 'not-ready',
        reason: 'This site has not recorded its own facts yet: SMS_HIERARCHY_MANAGER does it when it starts.',
      };
    return {
      kind: 'report',
      payload: new TextDecoder().decode(report.payload),
      payloadSha256: report.payloadSha256,
      sequence: report.facts.sequence,
      fixedAt: report.fixedAt,
    };
  }

  async sites(): Promise<SitesResult> {
    const { site, links, components, documents, hierarchy, database } = this.#ports;
    const view = await documents.view();
    const context = {
      links: { site: site.code, children: links.childLinks(), own: links.query() },
      components: components(),
      versionOf: (product: ProductId, guid: PackageGuid) =>
        view.products.get(product)?.catalogue.packages.find((entry) => entry.guid === guid)?.version,
    };
    const { roster } = hierarchy.current();
    return database.read((tables) => sitesResult(tables, roster, context));
  }

  async #found(id: string) {
    return findPackage(await this.#ports.documents.view(), id);
  }

  #look<T>(work: (tables: ReadTables, snapshot: PackageSnapshot) => T): T {
    const { database, site } = this.#ports;
    const book = this.#books.open();
    return database.read((tables) => work(tables, { site, book, selection: readSelection(tables.settings) }));
  }

  #exchange(tables: ReadTables): ExchangeResult {
    const { topTier } = this.#ports;
    if (topTier === undefined) return exchangeResult(tables, 'parent');
    return exchangeResult(tables, topTier.outbox === undefined ? 'none' : 'vendor', topTier.offline);
  }

  #statusOf(
    view: TrustedView,
    guids: readonly ReturnType<typeof findPackage>['entry']['guid'][] | undefined,
  ): StatusResult {
    const { site, clock, distribution, topTier } = this.#ports;
    const transfers = [...distribution.progress(), ...(topTier?.downloader.progress() ?? [])];
    return this.#look((tables, { book }) => {
      const source = { tables, book, site, view, transfers };
      const wanted = guids ?? activePackages(source).slice(0, statusMax);
      return {
        at: clock.now(),
        exchange: this.#exchange(tables),
        packages: wanted.map((guid) => packageStatus(guid, source)),
      };
    });
  }
}

function isWorthKnowing({ verdict, state, kind }: PackageResult): boolean {
  if (verdict === 'available' || verdict === 'superseded') return true;
  if (verdict === 'installed') return kind !== 'baseline';
  return !shownStates.has(state);
}

/** Of what was released at one time, the higher version. */
function newestFirst(a: PackageResult, b: PackageResult): number {
  const later = (Date.parse(b.releasedAt ?? '') || 0) - (Date.parse(a.releasedAt ?? '') || 0);
  if (later !== 0) return later;
  if (isOlder(a.version, b.version)) return 1;
  return isOlder(b.version, a.version) || a.guid < b.guid ? -1 : 1;
}
