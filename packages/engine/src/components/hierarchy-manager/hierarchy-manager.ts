import type { SiteFacts } from '@sallyport/core/domain/exchange/exchange';
import { messageOf } from '@sallyport/core/shared/errors';
import type { EpochMs } from '@sallyport/core/shared/ids';
import { nextEvent } from '@sallyport/core/domain/updates/state';
import type { Clock } from '../../ports/clock.ts';
import type { Component, ComponentStatus } from '../../ports/component.ts';
import type { Digests } from '../../ports/digests.ts';
import type { Log } from '../../ports/log.ts';
import type { Random } from '../../ports/random.ts';
import { ReleaseError, type Releases } from '../../ports/releases.ts';
import type { SiteDatabase } from '../../ports/site-database.ts';
import { exchangeSettingName } from '../dmp-downloader/exchange-state.ts';
import { hierarchySettingName } from '../hierarchy-identity/hierarchy-setting.ts';
import { type BackOff, backOffMs, isDue } from '../work/back-off.ts';
import { type Concern, concerns } from '../work/concerns.ts';
import { WorkLoop, type PassOutcome } from '../work/work-loop.ts';
import { trustedSettingName } from './document-store.ts';
import { offerSettingName } from './offer-setting.ts';
import { type HierarchyReads, OrderDesk } from './order-desk.ts';
import { orderSettingName } from './order-setting.ts';
import { type LinkProblem, type NamedStatus, OwnRecords } from './own-records.ts';
import { SelectionDesk } from './selection-desk.ts';
import { isOnlyEvaluated } from './package-states.ts';
import { isTopTierSite, type SiteIdentity } from './site-identity.ts';
import type { TrustedDocuments } from './trusted-documents.ts';
import { packagesOf, type TrustedView } from './trusted-view.ts';

export interface HierarchyManagerOptions {
  readonly site: SiteIdentity;
  readonly database: SiteDatabase;
  readonly documents: TrustedDocuments;
  readonly hierarchy: HierarchyReads;
  readonly releases: Releases;
  readonly digests: Digests;
  readonly clock: Clock;
  readonly random: Random;
  /** `hman.log`. */
  readonly log: Log;
  readonly platform: SiteFacts['platform'];
  /** The release ring that the hierarchy has joined. */
  readonly ring: string;
  /** `none`: local applicability only. */
  readonly exchange: 'none' | 'vendor';
  /** What all components of this site say of themselves. */
  readonly components: () => readonly NamedStatus[];
  /** The links with sites below that are refused or halted. */
  readonly linkProblems: () => readonly LinkProblem[];
  readonly times?: ManagerTimes;
}

/** How often a hierarchy manager looks at what nothing wakes it for. */
export interface ManagerTimes {
  /** A child asks its parent for metadata this often, without being told to. */
  readonly refreshEveryMs: number;
  /** The other components' words are collected this often. */
  readonly statusEveryMs: number;
  /** Words of components that are as well as before travel at most this often; every five minutes when not given. */
  readonly wordsEveryMs?: number;
}

const defaultTimes: ManagerTimes = { refreshEveryMs: 3_600_000, statusEveryMs: 5_000 };
/** A damaged document that could not be had is asked for again so soon, then less and less often. */
const mendRetry: BackOff = { firstMs: 60_000, maxMs: 300_000 };
/** A parent that could not be asked, or has nothing to be believed, is asked again so soon, then less and less often. */
const refreshRetryFirstMs = 60_000;
/** A parent that is there again is asked within minutes, however long it was away. */
const refreshRetryMaxMs = 300_000;

/**
 * `SMS_HIERARCHY_MANAGER`: knows what this site runs, takes the hierarchy's orders, and at the top-tier site decides
 * what is available. Each pass brings records, orders and selection in line with the database; it runs after every
 * commit that changes what they are made from, and every few seconds.
 */
export class HierarchyManager implements Component {
  readonly name = 'SMS_HIERARCHY_MANAGER';
  readonly #options: HierarchyManagerOptions;
  readonly #loop: WorkLoop;
  readonly #records: OwnRecords;
  readonly #orders: OrderDesk;
  readonly #selection: SelectionDesk | undefined;
  readonly #times: ManagerTimes;
  #stopListening: (() => void) | undefined;
  #refreshAt: EpochMs = 0;
  #refreshFailures = 0;
  #mendAt: EpochMs = 0;
  #mendFailures = 0;
  /** What was amiss with the releases at the last look. */
  #amiss: string | undefined;

  constructor(options: HierarchyManagerOptions) {
    this.#options = options;
    this.#times = options.times ?? defaultTimes;
    this.#records = new OwnRecords(options);
    this.#orders = new OrderDesk(options);
    this.#selection = isTopTierSite(options.site) ? new SelectionDesk(options) : undefined;
    this.#loop = new WorkLoop({ ...options, pass: (signal, report) => this.#pass(signal, report) });
  }

  /** Resolves when this site's own facts are recorded, so that others can build on them. */
  async start(signal: AbortSignal): Promise<void> {
    if (this.#stopListening !== undefined) return;
    signal.throwIfAborted();
    await this.#writeFacts();
    this.#stopListening = this.#options.database.onCommit((change) => {
      if (concerns(change, this.#concern)) this.#loop.wake();
    });
    this.#loop.start();
  }

  async stop(): Promise<void> {
    this.#stopListening?.();
    this.#stopListening = undefined;
    await this.#loop.stop();
  }

  get #concern(): Concern {
    return {
      updates: [this.#options.site.code],
      records: ['order', 'site-facts'],
      settings: [
        trustedSettingName,
        hierarchySettingName,
        orderSettingName,
        offerSettingName,
        exchangeSettingName,
      ],
    };
  }

  query(): ComponentStatus {
    return this.#loop.query();
  }

  /** Resolves when facts, orders and selection are in line with the database as it was when this was called. */
  evaluate(): Promise<void> {
    return this.#loop.runOnce();
  }

  async #pass(signal: AbortSignal, report: (reason: string) => void): Promise<PassOutcome> {
    const { documents, clock } = this.#options;
    const now = clock.now();
    const amiss = await this.#writeFacts();
    this.#records.writeStatus(now);
    this.#records.writeLinks(now);
    await this.#refreshFromParent(signal, report);
    const waiting = await this.#orders.work(signal);
    this.#records.writeOrders(now);
    const view = await this.#mended(await documents.view(), signal, report);
    this.#hideWithdrawn(view);
    const changesAt = this.#selection?.work(view);
    const next = clock.now() + this.#times.statusEveryMs;
    const times = [waiting?.nextAt, changesAt].flatMap((time) =>
      time !== undefined && time > now ? [time] : [],
    );
    const nextAt = Math.min(next, ...times);
    const problem = amiss ?? (view.problem && `nothing new is available: ${view.problem.message}`);
    if (problem !== undefined) return { state: 'failing', reason: waiting?.reason ?? problem, nextAt };
    return {
      state: 'waiting',
      reason: waiting?.reason ?? 'facts, orders and selection are up to date',
      nextAt,
    };
  }

  /** Answers what is amiss with what is installed here. Orders and metadata do not wait until somebody has mended it. */
  async #writeFacts(): Promise<string | undefined> {
    const { clock, log } = this.#options;
    let amiss: string | undefined;
    try {
      amiss = await this.#records.writeFacts(clock.now());
    } catch (error) {
      if (!(error instanceof ReleaseError)) throw error;
      amiss = error.message;
    }
    if (amiss !== undefined && amiss !== this.#amiss) log.error('{problem}', { problem: amiss });
    this.#amiss = amiss;
    return amiss;
  }

  /** Children learn of withdrawals and stops without being asked. */
  async #refreshFromParent(signal: AbortSignal, report: (reason: string) => void): Promise<void> {
    const { site, documents, clock, random, log } = this.#options;
    const { refreshEveryMs } = this.#times;
    const now = clock.now();
    if (isTopTierSite(site) || (now < this.#refreshAt && this.#refreshAt - now <= refreshEveryMs)) return;
    this.#refreshAt = now + Math.round(refreshEveryMs * (1 - random.fraction() / 4));
    report('takes the metadata from the parent');
    try {
      const problems = await documents.refresh(signal);
      this.#refreshFailures = 0;
      for (const problem of problems) {
        log.info('Metadata from the parent: {what} could not be taken: {error}', {
          what: problem.what,
          error: problem.message,
        });
      }
    } catch (error) {
      signal.throwIfAborted();
      this.#refreshFailures += 1;
      const retry: BackOff = {
        firstMs: refreshRetryFirstMs,
        maxMs: Math.min(refreshEveryMs, refreshRetryMaxMs),
      };
      this.#refreshAt = now + backOffMs(retry, this.#refreshFailures, random.fraction());
      log.info('Metadata could not be taken from the parent: {error}', { error: messageOf(error) });
    }
  }

  /** Documents that the content library has lost come again from where they came, at the top-tier site too. */
  async #mended(
    view: TrustedView,
    signal: AbortSignal,
    report: (reason: string) => void,
  ): Promise<TrustedView> {
    const { documents, clock, random, log } = this.#options;
    const now = clock.now();
    const [first] = view.damaged;
    if (first === undefined) {
      this.#mendFailures = 0;
      return view;
    }
    if (!isDue(mendRetry, this.#mendAt, now)) return view;
    this.#mendFailures += 1;
    this.#mendAt = now + backOffMs(mendRetry, this.#mendFailures, random.fraction());
    report(`fetches a damaged document again: ${first.what}`);
    try {
      await documents.refresh(signal);
      const mended = await documents.view();
      if (mended.damaged.length === 0) log.info('The damaged documents were fetched again');
      return mended;
    } catch (error) {
      signal.throwIfAborted();
      log.warn('The damaged document {what} could not be fetched again: {error}', {
        what: first.what,
        error: messageOf(error),
      });
      return view;
    }
  }

  /** A withdrawn package goes away at every site that has it in hand, unless it is being installed or is installed. */
  #hideWithdrawn(view: TrustedView): void {
    const { database, site, clock, log } = this.#options;
    const withdrawn = packagesOf(view).filter(({ entry }) => entry.withdrawn !== undefined);
    for (const { entry } of withdrawn) {
      const own = database.read(({ updates }) => updates.projection(entry.guid, site.code));
      if (
        own === undefined ||
        isOnlyEvaluated(own.state) ||
        own.state === 'INSTALL_SUCCESS' ||
        own.state === 'INSTALL_IN_PROGRESS'
      )
        continue;
      const reason = `The vendor withdrew it on ${entry.withdrawn?.at ?? ''}: ${entry.withdrawn?.reason ?? ''}`;
      database.write(({ updates }) => {
        const before = updates.projection(entry.guid, site.code);
        updates.append(
          nextEvent(before, {
            guid: entry.guid,
            site: site.code,
            event: 'hidden',
            at: clock.now(),
            data: { reason },
          }),
        );
      });
      log.warn('Package {guid} ({version}) was withdrawn by the vendor and is hidden here', {
        guid: entry.guid,
        version: entry.version,
      });
    }
  }
}
