import { entryOf } from '@sallyport/core/domain/sites/roster';
import { type EpochMs, siteCode, type SiteCode } from '@sallyport/core/shared/ids';
import { days, hours } from '@sallyport/core/shared/units';
import type { ActionResult } from '@sallyport/core/wire/api';
import { messageOf, SallyportError } from '@sallyport/core/shared/errors';
import type { SiteProcess } from '../site/site-process.ts';
import type { SimSite } from '../site/sim-site.ts';
import type { Chance } from '../world/chance.ts';
import type { Story } from '../world/story.ts';
import type { Mishap } from '../world/tally.ts';

const by = 'ada';
/** Whose last attempt has stopped. */
const stopped: ReadonlySet<string> = new Set([
  'CONTENT_REPLICATION_FAILED',
  'DOWNLOAD_FAILED',
  'INSTALL_FAILED',
  'PREREQ_ERROR',
  'PREREQ_WARNING',
]);

/** What an order has set going, and may be taken back. */
const underWay: ReadonlySet<string> = new Set([
  'CONTENT_REPLICATING',
  'INSTALL_WAITING_PARENT',
  'INSTALL_WAITING_SERVICE_WINDOW',
  'INSTALL_IN_PROGRESS',
]);

/** Somebody who has every package installed everywhere, and tries again what has failed. Asks as the commands do. */
export class Administrator {
  readonly #top: SimSite;
  readonly #story: Story;
  readonly #fail: (problem: string) => void;
  readonly #chance: Chance;
  readonly #revokes: () => SiteCode | undefined;
  readonly #count: (what: Mishap) => void;
  /** The package whose install others have been refused for, and since when. */
  #inTheWay: { readonly guid: string; readonly since: EpochMs } | undefined;
  #isBusy = false;
  /** From then on nobody changes their mind any more. */
  isCalm = false;
  /** Numbers of the orders that were acknowledged. */
  readonly orders = new Set<number>();

  constructor(options: {
    readonly top: SimSite;
    readonly story: Story;
    readonly chance: Chance;
    /** A site that is to be shut out by now. */
    readonly revokes: () => SiteCode | undefined;
    readonly count: (what: Mishap) => void;
    readonly fail: (problem: string) => void;
  }) {
    this.#top = options.top;
    this.#story = options.story;
    this.#chance = options.chance;
    this.#revokes = options.revokes;
    this.#count = options.count;
    this.#fail = options.fail;
  }

  /** Looks once, and does what is to be done. Whatever dies meanwhile is looked at another time. */
  look(): void {
    const { process } = this.#top;
    if (process === undefined || this.#isBusy) return;
    this.#isBusy = true;
    const { life } = process.server;
    const forget = life.onEnd(() => {
      this.#isBusy = false;
    });
    void this.#work(process)
      .catch((error: unknown) => {
        if (!life.isOver && !this.#top.disk.full)
          this.#fail(`an administrator at ${this.#top.code} met a fault: ${messageOf(error)}`);
      })
      .finally(() => {
        forget();
        this.#isBusy = false;
      });
  }

  /** Something that is refused now may go another time. Answers whether it went. */
  async #try(what: string, action: () => Promise<ActionResult>): Promise<boolean> {
    try {
      const { message, orders } = await action();
      for (const { sequence } of orders) this.orders.add(sequence);
      this.#story.tell(by, `${what}: ${message}`);
      return true;
    } catch (error) {
      if (!(error instanceof SallyportError)) throw error;
      this.#story.tell(by, `${what}: refused: ${error.message}`);
      this.#noteInTheWay(error);
      return false;
    }
  }

  #noteInTheWay({ code, details }: SallyportError<string>): void {
    const { guid } = details;
    if (code !== 'INSTALL_RUNNING' || typeof guid !== 'string' || this.#inTheWay?.guid === guid) return;
    this.#inTheWay = { guid, since: this.#top.clock.now() };
  }

  /** An install that others have waited a day for does not end by itself: the refusals name the remedy. */
  async #clearTheWay({ operations }: SiteProcess, isOrderedNow: boolean): Promise<void> {
    const found = this.#inTheWay;
    if (isOrderedNow) this.#inTheWay = undefined;
    if (found === undefined || isOrderedNow || this.#top.clock.now() - found.since < days(1)) return;
    this.#inTheWay = undefined;
    await this.#try(`takes back what is in the way for a day (${found.guid})`, () =>
      operations.cancel({ id: found.guid, by }),
    );
  }

  async #work(process: SiteProcess): Promise<void> {
    const { operations } = process;
    const { exchange, packages } = await operations.list({ all: true });
    const now = this.#top.clock.now();
    const isDue = Math.abs(now - (exchange.finishedAt ?? 0)) > hours(6) || exchange.metadata.result !== 'ok';
    if (isDue) await operations.check();
    const top = this.#top.code;
    const states = process.database.read(({ updates }) => updates.projections());
    const stateAt = (guid: string, site: string): string =>
      states.find((each) => each.guid === guid && each.site === site)?.state ?? 'UNKNOWN';
    const open = packages.filter(({ verdict }) => verdict === 'available');
    const ignoreWarnings = { by, warnings: 'all-known' as const };
    this.#shutOut(process);
    if (!this.isCalm && this.#chance.happens(0.1)) {
      const running = states.find(({ state }) => underWay.has(state));
      if (running !== undefined) {
        const { guid } = running;
        const what = `takes the order for ${guid} back`;
        const isBack = await this.#try(what, () => operations.cancel({ id: guid, by }));
        if (isBack) this.#count('orders taken back');
      }
    }
    // What has stopped is in the way of everything newer: it goes on, or is given up.
    const stuck = packages.find(
      ({ guid, verdict }) => verdict !== 'installed' && stopped.has(stateAt(guid, top)),
    );
    if (stuck !== undefined) {
      const { guid, version } = stuck;
      const goesOn = await this.#try(`tries ${version} again`, () =>
        operations.retry({ id: guid, by, ignoreWarnings }),
      );
      if (!goesOn) await this.#try(`gives ${version} up`, () => operations.cancel({ id: guid, by }));
    }
    for (const { guid, version } of open.slice(0, 1)) {
      const state = stateAt(guid, top);
      if (state === 'APPLICABILITY_SUCCESS') {
        await this.#try(`downloads ${version}`, () => operations.download({ id: guid, by }));
      } else if (state === 'DOWNLOAD_SUCCESS') {
        const isOrdered =
          (await this.#try(`installs ${version}`, () => operations.install({ id: guid, by }))) ||
          (await this.#try(`installs ${version} in spite of warnings`, () =>
            operations.install({ id: guid, by, ignoreWarnings }),
          ));
        await this.#clearTheWay(process, isOrdered);
      }
    }
    await this.#follow(process, packages, stateAt);
  }

  #shutOut({ parts }: SiteProcess): void {
    const code = this.#revokes();
    const entry = code === undefined ? undefined : entryOf(parts.view.current().roster, code);
    if (code === undefined || entry === undefined || entry.revoked !== undefined) return;
    try {
      parts.topTier?.authority.revokeSite(code, 'it was sold');
      this.#count('sites shut out');
      this.#story.tell(by, `shuts ${code} out`);
    } catch (error) {
      if (!(error instanceof SallyportError)) throw error;
      this.#story.tell(by, `shuts ${code} out: refused: ${error.message}`);
    }
  }

  /** Sites below the top have what it has. */
  async #follow(
    { operations, parts }: SiteProcess,
    packages: Awaited<ReturnType<SiteProcess['operations']['list']>>['packages'],
    stateAt: (guid: string, site: string) => string,
  ): Promise<void> {
    const { roster } = parts.view.current();
    const ignoreWarnings = { by, warnings: 'all-known' as const };
    const installed = packages.filter(({ verdict }) => verdict === 'installed').slice(0, 1);
    const newestAt = (site: string): string | undefined =>
      packages.find(({ guid }) => stateAt(guid, site) === 'INSTALL_SUCCESS')?.guid;
    for (const { code, type, parent, revoked } of roster.sites) {
      if (parent === undefined || revoked !== undefined) continue;
      const site = siteCode(code);
      // The oldest first: what is newer may need it.
      // What is older than what it runs is behind it.
      const runs = packages.findIndex(({ guid }) => stateAt(guid, code) === 'INSTALL_SUCCESS');
      const newer = packages.slice(0, runs === -1 ? packages.length : runs);
      const failedAt = newer.findLastIndex(
        ({ guid, verdict }) => verdict === 'installed' && stopped.has(stateAt(guid, code)),
      );
      const failed = newer[failedAt];
      // Whose order was taken back: what has failed may need it.
      const before = newer
        .slice(failedAt + 1)
        .findLast(
          ({ guid, verdict }) => verdict === 'installed' && stateAt(guid, code) === 'DOWNLOAD_SUCCESS',
        );
      if (failed !== undefined && before !== undefined && type !== 'secondary') {
        const isOrdered = await this.#try(`has ${code} follow with ${before.version} first`, () =>
          operations.install({ id: before.guid, by, sites: [site], ignoreWarnings }),
        );
        if (isOrdered) continue;
      }
      if (failed !== undefined) {
        await this.#try(`tries ${failed.version} again at ${code}`, () =>
          operations.retry({ id: failed.guid, by, site, ignoreWarnings }),
        );
      } else if (type === 'secondary') {
        const above = newestAt(parent);
        if (above !== undefined && above === newestAt(code)) continue;
        await this.#try(`upgrades ${code}`, () => operations.upgradeSecondary({ site, by, ignoreWarnings }));
      } else {
        for (const { guid, version } of installed) {
          const state = stateAt(guid, code);
          if (state !== 'UNKNOWN' && state !== 'DOWNLOAD_SUCCESS' && state !== 'APPLICABILITY_SUCCESS')
            continue;
          const isOrdered = await this.#try(`has ${code} follow with ${version}`, () =>
            operations.install({ id: guid, by, sites: [site] }),
          );
          if (!isOrdered) {
            await this.#try(`has ${code} follow with ${version} in spite of warnings`, () =>
              operations.install({ id: guid, by, sites: [site], ignoreWarnings }),
            );
          }
        }
      }
    }
  }
}
