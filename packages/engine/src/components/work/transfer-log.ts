import { messageOf } from '@sallyport/core/shared/errors';
import type { EpochMs, PackageGuid } from '@sallyport/core/shared/ids';
import { formatBytes, formatDuration } from '@sallyport/core/shared/units';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { RetryNotice } from '../content/blob-download.ts';
import type { FetchProgress } from '../content/fetch-progress.ts';

/** How far the content of a package has come. */
export interface TransferProgress extends FetchProgress {
  readonly guid: PackageGuid;
  /** Why nothing comes at present, and when it is tried again; until something comes. */
  readonly interrupted?: string;
}

const logEveryMs = 5_000;
const milestones = [25, 50, 75, 100];

const nothingYet: Omit<FetchProgress, 'totalBytes'> = {
  doneBytes: 0,
  receivedBytes: 0,
  segmentsDone: 0,
  segments: 0,
  rateBytesPerSecond: 0,
  routes: { held: 0, patch: 0, zstd: 0, raw: 0 },
};

/** The record that carries it up is bounded. */
const reasonMax = 2_000;

const messages = {
  download: {
    progress: 'Downloading {name} {version}: {percent} %, {rate}/s, {remaining} left',
    interrupted: 'Download of {name} {version} is interrupted, goes on in {delayMs} ms: {error}',
  },
  replication: {
    progress: 'Replicating {name} {version}: {percent} %, {rate}/s, {remaining} left',
    interrupted: 'Replication of {name} {version} is interrupted, goes on in {delayMs} ms: {error}',
  },
} as const;

/** Writes a transfer's progress to the log: every few seconds, and at milestones however fast they pass. */
export class TransferLog {
  readonly #what: { readonly name: string; readonly version: string };
  readonly #messages: (typeof messages)[keyof typeof messages];
  readonly #clock: Clock;
  readonly #log: Log;
  #loggedAt: EpochMs;
  #milestone = 0;

  constructor(options: {
    readonly kind: keyof typeof messages;
    readonly what: { readonly name: string; readonly version: string };
    readonly clock: Clock;
    readonly log: Log;
  }) {
    this.#what = options.what;
    this.#messages = messages[options.kind];
    this.#clock = options.clock;
    this.#log = options.log;
    this.#loggedAt = options.clock.now();
  }

  update(progress: FetchProgress): void {
    const at = this.#clock.now();
    const percent = percentOf(progress);
    const milestone = milestones.findLast((candidate) => percent >= candidate) ?? 0;
    if (milestone <= this.#milestone && Math.abs(at - this.#loggedAt) < logEveryMs) return;
    this.#milestone = Math.max(this.#milestone, milestone);
    this.#loggedAt = at;
    this.#log.info(this.#messages.progress, {
      name: this.#what.name,
      version: this.#what.version,
      percent,
      rate: formatBytes(progress.rateBytesPerSecond),
      remaining: progress.remainingMs === undefined ? 'unknown time' : formatDuration(progress.remainingMs),
    });
  }

  /**
   * Writes down that a transfer waits before it goes on.
   *
   * @param before how far it had come; undefined while nothing is known of it
   */
  interrupted(
    before: TransferProgress | undefined,
    of: Pick<TransferProgress, 'guid' | 'totalBytes'>,
    { error, delayMs, retryAt }: RetryNotice,
  ): TransferProgress {
    const reason = messageOf(error);
    const { name, version } = this.#what;
    this.#log.warn(this.#messages.interrupted, {
      name,
      version,
      delayMs: Math.round(delayMs),
      error: reason,
    });
    const { remainingMs: _, ...begun } = before ?? { ...nothingYet, ...of };
    const at = new Date(retryAt).toISOString();
    return {
      ...begun,
      rateBytesPerSecond: 0,
      interrupted: `Nothing comes at present, and it is tried again at ${at}: ${reason}`.slice(0, reasonMax),
    };
  }
}

/** Whole percent, rounded down: 100 means complete. */
function percentOf({ doneBytes, totalBytes }: Pick<FetchProgress, 'doneBytes' | 'totalBytes'>): number {
  return totalBytes === 0 ? 100 : Math.floor((doneBytes * 100) / totalBytes);
}
