import type { SiteFacts, SiteReleases } from '@sallyport/core/domain/exchange/exchange';
import type { EpochMs, SiteCode } from '@sallyport/core/shared/ids';
import type { ComponentStatus } from '../../ports/component.ts';
import type { Releases } from '../../ports/releases.ts';
import type { SiteDatabase } from '../../ports/site-database.ts';
import { type OrderSetting, readOrders } from './order-setting.ts';
import type { SiteIdentity } from './site-identity.ts';

/** What a component says of itself, with its name. */
export interface NamedStatus extends ComponentStatus {
  readonly name: string;
}

/** Body of the record `site-status`/`components`: what every component of a site does or waits for. */
export interface ComponentsStatus {
  readonly schema: 1;
  readonly components: readonly NamedStatus[];
}

/** Body of the record `site-status`/`links`: the sites below that nothing goes to or comes from, and why. */
export interface LinksStatus {
  readonly schema: 1;
  readonly links: readonly LinkProblem[];
}

/** Why nothing goes over the link with a site. */
export interface LinkProblem {
  readonly site: SiteCode;
  readonly problem: string;
}

/** Body of the record `site-status`/`orders`: how far a site has come with the hierarchy's orders. */
export type OrdersStatus = OrderSetting;

export const factsRecordKey = 'facts';
export const releasesRecordKey = 'releases';
export const ordersRecordKey = 'orders';
export const componentsRecordKey = 'components';
export const linksRecordKey = 'links';

/**
 * Words change with every piece of work, and sending a status is work itself: they travel seldom. Whether
 * a component is well or not travels at once.
 */
const defaultWordsEveryMs = 300_000;

/** Writes what this site says of itself for the sites above it, whenever it has changed. */
export class OwnRecords {
  readonly #site: SiteIdentity;
  readonly #database: SiteDatabase;
  readonly #releases: Releases;
  readonly #platform: SiteFacts['platform'];
  readonly #components: () => readonly NamedStatus[];
  readonly #linkProblems: () => readonly LinkProblem[];
  readonly #wordsEveryMs: number;
  /** What was found to be recorded: its text, and the hash of the record that says it. */
  readonly #said = new Map<string, { readonly text: string; readonly hash: string }>();
  #healthText = '';
  #writtenAt = Number.NEGATIVE_INFINITY;

  constructor(options: {
    readonly site: SiteIdentity;
    readonly database: SiteDatabase;
    readonly releases: Releases;
    readonly platform: SiteFacts['platform'];
    readonly components: () => readonly NamedStatus[];
    readonly linkProblems: () => readonly LinkProblem[];
    readonly times?: { readonly wordsEveryMs?: number };
  }) {
    this.#site = options.site;
    this.#database = options.database;
    this.#releases = options.releases;
    this.#platform = options.platform;
    this.#components = options.components;
    this.#linkProblems = options.linkProblems;
    this.#wordsEveryMs = options.times?.wordsEveryMs ?? defaultWordsEveryMs;
  }

  /**
   * Answers what is amiss: a release that was in force, or its folder, has gone.
   *
   * @throws {ReleaseError} BAD_POINTER
   */
  async writeFacts(at: EpochMs): Promise<string | undefined> {
    const amiss = await this.#whatHasGone();
    if (amiss !== undefined) return amiss;
    const products: SiteFacts['products'][number][] = [];
    for (const product of (await this.#releases.products()).toSorted()) {
      const current = await this.#releases.current(product);
      if (current !== undefined)
        products.push({ product, version: current.version, installed: current.installed });
    }
    const facts: SiteFacts = {
      schema: 1,
      site: this.#site.code,
      type: this.#site.type,
      products,
      platform: this.#platform,
    };
    this.#put('site-facts', factsRecordKey, facts, at);
    this.#put('site-releases', releasesRecordKey, await this.#siteReleases(), at);
    return undefined;
  }

  /** Compared with what this site said of itself last. */
  async #whatHasGone(): Promise<string | undefined> {
    const said = this.#database.read(({ records }) =>
      records.get(this.#site.code, 'site-facts', factsRecordKey),
    )?.body as SiteFacts | undefined;
    for (const { product, version } of said?.products ?? []) {
      const current = await this.#releases.current(product);
      if (current === undefined) {
        return `products/${product}/current.json has gone, by which ${version} was in force: put it back from a backup of the data folder`;
      }
      const { folder } = current;
      if ((await this.#releases.list(product)).includes(folder)) continue;
      return `the release in force, products/${product}/releases/${folder}, has gone: put it back from a backup of the data folder, or install a newer version`;
    }
    return undefined;
  }

  async #siteReleases(): Promise<SiteReleases> {
    const releases: SiteReleases['releases'][number][] = [];
    for (const product of (await this.#releases.products()).toSorted()) {
      const current = await this.#releases.current(product);
      if (current === undefined) continue;
      const { guid, installed, version } = current;
      releases.push({ product, guid, version, installed });
    }
    return { schema: 1, releases };
  }

  writeOrders(at: EpochMs): void {
    const orders: OrdersStatus = this.#database.read(({ settings }) => readOrders(settings));
    this.#put('site-status', ordersRecordKey, orders, at);
  }

  /** The sites above look after the whole hierarchy, and see no link but their own. */
  writeLinks(at: EpochMs): void {
    const links = this.#linkProblems();
    if (links.length === 0 && !this.#said.has(linksRecordKey) && !this.#holds(linksRecordKey)) return;
    const status: LinksStatus = { schema: 1, links };
    this.#put('site-status', linksRecordKey, status, at);
  }

  #holds(key: string): boolean {
    const { code } = this.#site;
    return this.#database.read(({ records }) => records.get(code, 'site-status', key)) !== undefined;
  }

  writeStatus(at: EpochMs): void {
    const components = this.#components();
    const healthText = JSON.stringify(
      components.map(({ name, state }) => [
        name,
        state === 'failing' || state === 'stopped' ? state : 'well',
      ]),
    );
    // A clock that was set back must not put the words off.
    if (healthText === this.#healthText && Math.abs(at - this.#writtenAt) < this.#wordsEveryMs) return;
    const status: ComponentsStatus = { schema: 1, components: components.map(wholeNumbers) };
    this.#healthText = healthText;
    this.#writtenAt = at;
    this.#put('site-status', componentsRecordKey, status, at);
  }

  /** Looks before it writes: most passes change nothing. */
  #put(kind: 'site-facts' | 'site-releases' | 'site-status', key: string, body: unknown, at: EpochMs): void {
    const held = this.#database.read(({ records }) => records.get(this.#site.code, kind, key));
    const text = JSON.stringify(body);
    const before = this.#said.get(key);
    if (held !== undefined && held.hash === before?.hash && text === before.text) return;
    const isSaid = held !== undefined && JSON.stringify(ordered(held.body)) === JSON.stringify(ordered(body));
    const { hash } = isSaid
      ? held
      : this.#database.write(({ records }) => records.putOwn(kind, key, body, at));
    this.#said.set(key, { text, hash });
  }
}

/** Records hold whole numbers only; clocks may say more. */
function wholeNumbers(status: NamedStatus): NamedStatus {
  return {
    ...status,
    since: Math.round(status.since),
    ...(status.nextAt === undefined ? {} : { nextAt: Math.round(status.nextAt) }),
  };
}

/** The same value with its keys in order, so that texts of equal values are equal. */
function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, ordered(item)]),
  );
}
