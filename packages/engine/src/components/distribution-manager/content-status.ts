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
  }[];
}

export const contentRecordKey = 'content';

/** Progress is for people: a record every few seconds is enough, and each one travels up the hierarchy. */
const everyMs = 2_000;

/** Writes the site's content status, not more often than people look; the end of a transfer at once. */
export class SlowRecord {
  readonly #database: SiteDatabase;
  readonly #clock: Clock;
  #writtenAt: EpochMs = Number.NEGATIVE_INFINITY;
  #empty = false;

  constructor(options: { readonly database: SiteDatabase; readonly clock: Clock }) {
    this.#database = options.database;
    this.#clock = options.clock;
  }

  write(status: ContentStatus): void {
    const now = this.#clock.now();
    const empty = status.transfers.length === 0;
    if (empty ? this.#empty : Math.abs(now - this.#writtenAt) < everyMs) return;
    this.#empty = empty;
    this.#writtenAt = now;
    this.#database.write(({ records }) => records.putOwn('site-status', contentRecordKey, status, now));
  }
}
