import type { SignatureCheck } from '@sallyport/core/domain/trust/key';
import type { EpochMs, HierarchyId } from '@sallyport/core/shared/ids';
import type { Clock } from '../../ports/clock.ts';
import type { Component, ComponentStatus } from '../../ports/component.ts';
import type { ContentSource } from '../../ports/content-source.ts';
import type { Digests } from '../../ports/digests.ts';
import type { Log } from '../../ports/log.ts';
import type { Random } from '../../ports/random.ts';
import type { SiteDatabase } from '../../ports/site-database.ts';
import type { PackageFetcher } from '../content/package-fetcher.ts';
import type { SiteIdentity } from '../hierarchy-manager/site-identity.ts';
import type { TrustedDocuments } from '../hierarchy-manager/trusted-documents.ts';
import { backOffMs, type BackOff } from '../work/back-off.ts';
import { type Concern, concerns } from '../work/concerns.ts';
import type { TransferProgress } from '../work/transfer-log.ts';
import { type PassOutcome, WorkLoop } from '../work/work-loop.ts';
import { channelAfter, exchangeSettingName, readExchange, type ExchangeState } from './exchange-state.ts';
import { type Reporting, runExchange } from './exchange-run.ts';
import { outboxSettingName } from './facts-outbox.ts';
import { PackageDownloads } from './package-downloads.ts';

export interface DmpDownloaderOptions {
  readonly site: SiteIdentity;
  readonly database: SiteDatabase;
  readonly documents: TrustedDocuments;
  readonly fetcher: Pick<PackageFetcher, 'fetch'>;
  /** The vendor's repository of blobs. */
  readonly content: ContentSource;
  readonly hierarchyId: () => HierarchyId;
  readonly check: SignatureCheck;
  readonly digests: Digests;
  readonly clock: Clock;
  readonly random: Random;
  /** `Dmpdownloader.log`. */
  readonly log: Log;
  /** Absent: local applicability only, nothing leaves and no offer is needed. */
  readonly reporting?: Reporting;
  /** The vendor is reached by media only: nothing is exchanged from here. */
  readonly offline?: true;
  /** Longest time between two exchanges; 24 h when not given. */
  readonly intervalMs?: number;
  /** Delays after an exchange in which a channel failed. */
  readonly retry?: BackOff;
}

/** What the newest report is compared with, and whether the last exchange has failed. */
const ofNews: Concern = { records: ['site-facts'], settings: [exchangeSettingName, outboxSettingName] };
/** Longest time between two exchanges when none is chosen. */
export const defaultCheckIntervalMs = 86_400_000;
const defaultRetry: BackOff = { firstMs: 60_000, maxMs: 14_400_000 };
/** Jitter only ever shortens the interval, by up to this share. */
const jitterShare = 0.05;

/**
 * `SMS_DMP_DOWNLOADER`: the role's way in. Exchanges with the vendor every day, or when asked, and downloads the
 * packages whose download has been started. Both go on by themselves after failures and restarts, and neither
 * waits for the other.
 */
export class DmpDownloader implements Component {
  readonly name = 'SMS_DMP_DOWNLOADER';
  readonly #options: DmpDownloaderOptions;
  readonly #exchanges: WorkLoop;
  readonly #downloads: PackageDownloads;
  readonly #downloading: WorkLoop;
  #stopListening: (() => void) | undefined;
  #asked = false;

  constructor(options: DmpDownloaderOptions) {
    this.#options = options;
    this.#downloads = new PackageDownloads(options);
    this.#exchanges = new WorkLoop({ ...options, pass: (signal, report) => this.#exchange(signal, report) });
    this.#downloading = new WorkLoop({
      ...options,
      pass: (signal, report) => this.#downloads.work(signal, report),
    });
  }

  async start(signal: AbortSignal): Promise<void> {
    if (this.#stopListening !== undefined) return;
    signal.throwIfAborted();
    const { database, site } = this.#options;
    this.#stopListening = database.onCommit((change) => {
      if (concerns(change, { updates: [site.code] })) {
        this.#downloads.lookAgain();
        this.#downloading.wake();
      }
      if (this.#options.offline !== true && concerns(change, ofNews) && this.#hasNews(this.#state()))
        this.#exchanges.wake();
    });
    if (this.#options.offline !== true) this.#exchanges.start();
    this.#downloading.start();
  }

  async stop(): Promise<void> {
    this.#stopListening?.();
    this.#stopListening = undefined;
    await Promise.all([this.#exchanges.stop(), this.#downloading.stop()]);
  }

  /** The download under way is what people ask for; else how the exchanges fare. */
  query(): ComponentStatus {
    const downloading = this.#downloading.query();
    if (this.#options.offline === true) return downloading;
    const exchanges = this.#exchanges.query();
    return downloading.state === 'running' && exchanges.state !== 'failing' ? downloading : exchanges;
  }

  /** Exchanges now; resolves with how every channel fared. The downloads that follow from it go on by themselves. */
  async checkNow(): Promise<ExchangeState> {
    this.#asked = true;
    await this.#exchanges.runOnce();
    return this.#state();
  }

  /** A medium has brought content: downloads that failed for want of it are tried again at once. */
  contentCame(): void {
    this.#downloads.tryAllAgain();
    this.#downloading.wake();
  }

  /** Progress of the downloads under way. */
  progress(): readonly TransferProgress[] {
    return this.#downloads.progress();
  }

  /** Called whenever progress changes; answers how to stop. */
  onProgress(listener: () => void): () => void {
    return this.#downloads.onProgress(listener);
  }

  async #exchange(signal: AbortSignal, report: (reason: string) => void): Promise<PassOutcome> {
    const { clock } = this.#options;
    const before = this.#state();
    const isDue = this.#isDue(before) || this.#hasNews(before);
    if (this.#asked || isDue) {
      this.#asked = false;
      report('exchanges with the vendor');
      await this.#exchangeNow(before, isDue, signal);
    }
    const { metadata, facts, offer, usage, nextAt } = this.#state();
    const failed = [metadata, facts, offer, usage].find(({ result }) => result === 'failed');
    return {
      state: failed === undefined ? 'waiting' : 'failing',
      reason: failed?.error ?? 'waits for the next exchange',
      nextAt: nextAt ?? clock.now(),
    };
  }

  /** Never, or long enough ago. A clock set back must not put the next exchange off for longer than the interval. */
  #isDue({ nextAt }: ExchangeState): boolean {
    const now = this.#options.clock.now();
    return nextAt === undefined || now >= nextAt || nextAt - now > this.#intervalMs;
  }

  /** What is installed decides what is offered next: a hotfix for it must not wait a day. */
  #hasNews({ failures }: ExchangeState): boolean {
    return failures === 0 && this.#options.reporting?.outbox.saysWhatIsInstalled() === false;
  }

  #state(): ExchangeState {
    return this.#options.database.read(({ settings }) => readExchange(settings));
  }

  get #intervalMs(): number {
    return this.#options.intervalMs ?? defaultCheckIntervalMs;
  }

  /** @param isDue else somebody asked: however often that fails, the next one that is due comes no later */
  async #exchangeNow(before: ExchangeState, isDue: boolean, signal: AbortSignal): Promise<void> {
    const { database, clock, log } = this.#options;
    const startedAt = clock.now();
    log.info('Exchange with the vendor begins');
    const outcome = await runExchange(this.#options, signal);
    const at = clock.now();
    const failed = Object.values(outcome).some(({ kind }) => kind === 'failed');
    const failures = failed ? before.failures + (isDue || before.failures === 0 ? 1 : 0) : 0;
    const planned = this.#nextAt(at, failures);
    const nextAt = failed && !isDue ? Math.min(planned, before.nextAt ?? planned) : planned;
    const state: ExchangeState = {
      schema: 1,
      metadata: channelAfter(before.metadata, outcome.metadata, at),
      facts: channelAfter(before.facts, outcome.facts, at),
      offer: channelAfter(before.offer, outcome.offer, at),
      usage: channelAfter(before.usage, outcome.usage, at),
      startedAt,
      finishedAt: at,
      nextAt,
      failures,
    };
    database.write(({ settings }) => settings.put(exchangeSettingName, state));
    log.info(
      'Exchange with the vendor ended: metadata {metadata}, facts {facts}, offer {offer}, usage {usage}; the next one begins at {nextAt}',
      {
        metadata: state.metadata.result,
        facts: state.facts.result,
        offer: state.offer.result,
        usage: state.usage.result,
        nextAt: new Date(nextAt).toISOString(),
      },
    );
  }

  #nextAt(at: EpochMs, failures: number): EpochMs {
    const { random, retry = defaultRetry } = this.#options;
    const regular = Math.round(this.#intervalMs * (1 - jitterShare * random.fraction()));
    return at + (failures === 0 ? regular : Math.min(regular, backOffMs(retry, failures, random.fraction())));
  }
}
