import { messageOf } from '@sallyport/core/shared/errors';
import type { EpochMs, PackageGuid } from '@sallyport/core/shared/ids';
import { formatBytes, formatDuration } from '@sallyport/core/shared/units';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { FetchProgress } from '../content/fetch-progress.ts';

/** How far the content of a package has come. */
export interface TransferProgress extends FetchProgress {
  readonly guid: PackageGuid;
  /** Why nothing comes at present, and when it is tried again; until something comes. */
  readonly interrupted?: string;
}

/** How far a transfer had come when it was interrupted, also before anything was known of it. */
export function interrupted(
  before: TransferProgress | undefined,
  of: { readonly guid: PackageGuid; readonly totalBytes: number },
  again: { readonly error: unknown; readonly at: EpochMs },
): TransferProgress {
  const begun = before ?? {
    ...of,
    doneBytes: 0,
    receivedBytes: 0,
    segmentsDone: 0,
    segments: 0,
    rateBytesPerSecond: 0,
    routes: { held: 0, patch: 0, zstd: 0, raw: 0 },
  };
  const { remainingMs: _, ...rest } = begun;
  const at = new Date(again.at).toISOString();
  return {
    ...rest,
    rateBytesPerSecond: 0,
    // It travels up in a record whose fields are bounded.
    interrupted: `Nothing comes at present, and it is tried again at ${at}: ${messageOf(again.error)}`.slice(
      0,
      2_000,
    ),
  };
}

const logEveryMs = 5_000;
const milestones = [25, 50, 75, 100];

const messages = {
  download: 'Downloading {name} {version}: {percent} %, {rate}/s, {remaining} left',
  replication: 'Replicating {name} {version}: {percent} %, {rate}/s, {remaining} left',
} as const;

/** Writes a transfer's progress to the log: every few seconds, and at milestones however fast they pass. */
export class TransferLog {
  readonly #what: { readonly name: string; readonly version: string };
  readonly #message: string;
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
    this.#message = messages[options.kind];
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
    this.#log.info(this.#message, {
      name: this.#what.name,
      version: this.#what.version,
      percent,
      rate: formatBytes(progress.rateBytesPerSecond),
      remaining: progress.remainingMs === undefined ? 'unknown time' : formatDuration(progress.remainingMs),
    });
  }
}

/** Whole percent, rounded down: 100 means complete. */
function percentOf({ doneBytes, totalBytes }: Pick<FetchProgress, 'doneBytes' | 'totalBytes'>): number {
  return totalBytes === 0 ? 100 : Math.floor((doneBytes * 100) / totalBytes);
}
