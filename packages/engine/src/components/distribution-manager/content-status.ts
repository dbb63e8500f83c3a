import type { EpochMs, PackageGuid } from '@sallyport/core/shared/ids';
import type { Clock } from '../../ports/clock.ts';
import type { SiteDatabase } from '../../ports/site-database.ts';

/** Body of the record `site-status`/`content`: how far the content has come that a site is fetching. */
export interface ContentStatus {
  readonly schema: 1;
  readonly transfers: readonly {
    readonly guid: PackageGuid;
    readonly doneBytes: number;
    readonly totalBytes: number;
    readonly receivedBytes: number;
    /** Why nothing comes at present. */
    readonly interrupted?: string;
  }[];
}

export const contentRecordKey = 'content';

/** Progress is for people: a record every few seconds is enough, and each one travels up the hierarchy. */
const everyMs = 2_000;

/** Writes the site's content status, not more often than people look; at once when a transfer ends, stands still or goes on. */
export class SlowRecord {
  readonly #database: SiteDatabase;
  readonly #clock: Clock;
  #writtenAt: EpochMs = Number.NEGATIVE_INFINITY;
  #empty = false;
  #still = false;

  constructor(options: { readonly database: SiteDatabase; readonly clock: Clock }) {
    this.#database = options.database;
    this.#clock = options.clock;
  }

  write(status: ContentStatus): void {
    const now = this.#clock.now();
    const empty = status.transfers.length === 0;
    const still = status.transfers.some(({ interrupted }) => interrupted !== undefined);
    const isSoon = still === this.#still && Math.abs(now - this.#writtenAt) < everyMs;
    if (empty ? this.#empty : isSoon) return;
    this.#empty = empty;
    this.#still = still;
    this.#writtenAt = now;
    this.#database.write(({ records }) => records.putOwn('site-status', contentRecordKey, status, now));
  }
}
