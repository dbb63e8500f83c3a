import type { BlobRef } from '@sallyport/core/domain/content/tree';
import { messageOf } from '@sallyport/core/shared/errors';
import type { Digest, EpochMs } from '@sallyport/core/shared/ids';
import { days, formatBytes, hours, mebibytes, minutes, seconds } from '@sallyport/core/shared/units';
import type { Clock } from '../../ports/clock.ts';
import type { Compute } from '../../ports/compute.ts';
import type { ContentSource } from '../../ports/content-source.ts';
import type { Log } from '../../ports/log.ts';
import type { Random } from '../../ports/random.ts';
import { collectGarbage } from '../content/collection.ts';
import type { PackageFetcher } from '../content/package-fetcher.ts';
import { scrub, type Scrubbed } from '../content/scrub.ts';
import type { SiteIdentity } from '../hierarchy-manager/site-identity.ts';
import { backOffMs, isDue, type BackOff } from '../work/back-off.ts';
import type { PassOutcome } from '../work/work-loop.ts';
import { type CareState, readCare, writeCare } from './care-state.ts';
import { collectionRoots, packagesToKeep, type RootPorts } from './collection-roots.ts';

export interface LibraryCareOptions extends RootPorts {
  readonly site: SiteIdentity;
  readonly compute: Pick<Compute, 'hashFile'>;
  readonly fetcher: Pick<PackageFetcher, 'fetch' | 'isInUse'>;
  /** Where what is damaged is fetched again. */
  readonly content: ContentSource;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** How much is read in how long, that the disk serves others meanwhile; 8 MiB a second when not given. */
  readonly pace?: { readonly bytes: number; readonly everyMs: number };
}

const collectEvery = days(1);
/** An install has tidied up after itself by then. */
const collectAfterInstall = minutes(10);
const scrubEvery = days(7);
const defaultPace = { bytes: mebibytes(80), everyMs: seconds(10) };
const retry: BackOff = { firstMs: minutes(1), maxMs: hours(1) };

/**
 * Looks after a site's content library: removes what nothing needs any more, daily and when an install has ended;
 * reads all of it once in seven days, slowly, and fetches again what the disk has lost. Goes on after a restart where
 * it was.
 */
export class LibraryCare {
  readonly #options: LibraryCareOptions;
  readonly #pace: { readonly bytes: number; readonly everyMs: number };
  /** Of this process: a part of the scrub is not begun before. */
  #nextPartAt: EpochMs = 0;

  constructor(options: LibraryCareOptions) {
    this.#options = options;
    this.#pace = options.pace ?? defaultPace;
  }

  /** Does what is due, a part of it at a time. Cheap when nothing is. */
  async pass(signal: AbortSignal, report: (reason: string) => void): Promise<PassOutcome> {
    let state = this.#state();
    if (state.loss !== undefined) {
      if (isDue(retry, state.loss.nextAt, this.#options.clock.now())) {
        report('fetches again what the disk has lost of the content library');
        state = await this.#heal(state, state.loss, signal);
      }
      // What a damaged document names is not known: nothing is collected before it is whole.
      if (state.loss !== undefined) {
        return { state: 'failing', reason: state.loss.reason, nextAt: state.loss.nextAt };
      }
    }
    if (this.#collectAt(state) <= this.#options.clock.now()) {
      report('removes what nothing needs from the content library');
      state = await this.#collect(state, signal);
    }
    if (this.#scrubAt(state) <= this.#options.clock.now()) {
      report('compares the content library with its names');
      state = await this.#scrubPart(state, signal);
    }
    const nextAt =
      state.loss === undefined
        ? Math.min(this.#collectAt(state), this.#scrubAt(state))
        : this.#options.clock.now();
    return { state: 'waiting', reason: state.said, nextAt };
  }

  /** What was kept, or the beginning: nothing is due before its first interval is over. */
  #state(): CareState {
    const { database, clock } = this.#options;
    const kept = readCare(database);
    if (kept !== undefined) return kept;
    const now = clock.now();
    const begun: CareState = {
      collectedAt: now,
      scrubbedAt: now,
      installs: this.#installs(),
      said: 'the content library has not been checked yet',
    };
    writeCare(database, begun);
    return begun;
  }

  #collectAt(state: CareState): EpochMs {
    const daily = laterBy(state.collectedAt, collectEvery, this.#options.clock.now());
    if (state.installs === this.#installs()) return daily;
    return Math.min(daily, Math.max(this.#installedAt(), state.collectedAt) + collectAfterInstall);
  }

  #scrubAt({ scrub: running, scrubbedAt }: CareState): EpochMs {
    const now = this.#options.clock.now();
    if (running === undefined) return laterBy(scrubbedAt, scrubEvery, now);
    // A clock that was set back must not put it off.
    return this.#nextPartAt - now > this.#pace.everyMs ? now : this.#nextPartAt;
  }

  async #collect(state: CareState, signal: AbortSignal): Promise<CareState> {
    const { log, fetcher, clock, blobs } = this.#options;
    const installs = this.#installs();
    const damaged = await this.#damagedDocuments(signal);
    if (damaged.length > 0) return this.#lost(state, damaged);
    try {
      const { removed, freedBytes } = await collectGarbage(
        { blobs, roots: () => collectionRoots(this.#options), isInUse: (sha256) => fetcher.isInUse(sha256) },
        signal,
      );
      if (freedBytes > 0) {
        log.info('Nothing needs {count} blobs of the content library any more: {bytes} are free again', {
          count: removed.length,
          bytes: formatBytes(freedBytes),
        });
      }
    } catch (error) {
      signal.throwIfAborted();
      // It comes again tomorrow; keeping too much harms nobody.
      log.warn('The content library could not be tidied, nothing was removed: {error}', {
        error: messageOf(error),
      });
    }
    return this.#keep({ ...state, collectedAt: clock.now(), installs });
  }

  async #scrubPart(state: CareState, signal: AbortSignal): Promise<CareState> {
    const { clock, log } = this.#options;
    const running = state.scrub ?? { checked: 0, checkedBytes: 0, lost: 0 };
    this.#nextPartAt = clock.now() + this.#pace.everyMs;
    const part: Scrubbed = await scrub(this.#options, signal, {
      bytesMax: this.#pace.bytes,
      ...(running.after === undefined ? {} : { after: running.after }),
    });
    const after = part.last ?? running.after;
    const so = {
      checked: running.checked + part.checked,
      checkedBytes: running.checkedBytes + part.checkedBytes,
      lost: running.lost + part.removed.length,
      ...(after === undefined ? {} : { after }),
    };
    let next: CareState;
    if (part.atEnd === true) {
      const { scrub: _, ...rest } = state;
      const found = so.lost === 0 ? 'all as they should be' : `${so.lost} were damaged`;
      const said = `the content library was checked at ${instant(clock.now())}: ${so.checked} blobs, ${formatBytes(so.checkedBytes)}, ${found}`;
      log.info('The content library is checked: {count} blobs, {bytes}, {found}', {
        count: so.checked,
        bytes: formatBytes(so.checkedBytes),
        found,
      });
      next = { ...rest, scrubbedAt: clock.now(), said };
    } else {
      next = { ...state, scrub: so };
    }
    return part.removed.length === 0 ? this.#keep(next) : this.#lost(next, part.removed);
  }

  /** The disk has lost blobs, which are not held any more: says so, and what is needed of them is fetched next. */
  #lost(state: CareState, removed: readonly Pick<BlobRef, 'sha256'>[]): CareState {
    const { log, clock } = this.#options;
    const names = removed.map(({ sha256 }) => sha256).join(', ');
    log.error('The disk has damaged {count} blobs of the content library, which were removed: {names}', {
      count: removed.length,
      names,
    });
    const reason = `the disk has damaged ${removed.length} blobs of the content library: they are fetched again; check the disk`;
    return this.#keep({ ...state, loss: { failures: 0, nextAt: clock.now(), reason } });
  }

  /** Fetches whatever is missing of the documents and packages that are kept here. */
  async #heal(
    state: CareState,
    loss: NonNullable<CareState['loss']>,
    signal: AbortSignal,
  ): Promise<CareState> {
    const { documents, fetcher, content, clock, random, log } = this.#options;
    const { loss: _, ...whole } = state;
    try {
      await documents.refresh(signal);
      let receivedBytes = 0;
      for (const descriptor of await packagesToKeep(this.#options)) {
        receivedBytes += (await fetcher.fetch(descriptor.content, content, { signal })).receivedBytes;
      }
      log.info('What the disk had damaged is whole again, {bytes} from {source}', {
        bytes: formatBytes(receivedBytes),
        source: content.name,
      });
      return this.#keep(whole);
    } catch (error) {
      signal.throwIfAborted();
      const failures = loss.failures + 1;
      const nextAt = clock.now() + backOffMs(retry, failures, random.fraction());
      const reason = `what the disk has damaged of the content library could not be fetched again: ${messageOf(error)}`;
      log.error('{reason}; next try at {nextAt}', { reason, nextAt: instant(nextAt) });
      return this.#keep({ ...state, loss: { failures, nextAt, reason } });
    }
  }

  /** Documents of kept packages that the disk has changed; they are removed. Without them nobody knows what they name. */
  async #damagedDocuments(signal: AbortSignal): Promise<readonly Pick<BlobRef, 'sha256'>[]> {
    const { blobs, compute } = this.#options;
    const damaged: { readonly sha256: Digest }[] = [];
    for (const { content } of await packagesToKeep(this.#options)) {
      for (const { sha256 } of [content.tree, content.encodings]) {
        if (!(await blobs.has(sha256))) continue;
        if ((await compute.hashFile(blobs.pathOf(sha256), signal)).sha256 === sha256) continue;
        await blobs.remove(sha256);
        damaged.push({ sha256 });
      }
    }
    return damaged;
  }

  /** Changes with each install here that ends. */
  #installs(): number {
    return this.#own().length;
  }

  #installedAt(): EpochMs {
    return Math.max(0, ...this.#own().map(({ since }) => since));
  }

  #own() {
    const { database, site } = this.#options;
    return database
      .read(({ updates }) => updates.projections({ site: site.code }))
      .filter(({ state }) => state === 'INSTALL_SUCCESS');
  }

  #keep(state: CareState): CareState {
    writeCare(this.#options.database, state);
    return state;
  }
}

/** When something is due again; at once when the clock was set back beyond the last time. */
function laterBy(last: EpochMs, interval: number, now: EpochMs): EpochMs {
  return last > now ? now : last + interval;
}

function instant(at: EpochMs): string {
  return new Date(at).toISOString();
}
