import type { PackageContent } from '@sallyport/core/domain/updates/package';
import { messageOf } from '@sallyport/core/shared/errors';
import type { Digest, EpochMs } from '@sallyport/core/shared/ids';
import { days, formatBytes, hours, mebibytes, minutes, seconds } from '@sallyport/core/shared/units';
import type { Clock } from '../../ports/clock.ts';
import type { Compute } from '../../ports/compute.ts';
import type { ContentSource } from '../../ports/content-source.ts';
import type { Log } from '../../ports/log.ts';
import type { Random } from '../../ports/random.ts';
import { collectGarbage } from '../content/collection.ts';
import { documentsOf } from '../content/document-fetch.ts';
import type { PackageFetcher } from '../content/package-fetcher.ts';
import { healthOf, scrub, type Scrubbed } from '../content/scrub.ts';
import { backOffMs, isDue, type BackOff } from '../work/back-off.ts';
import { unlessEnded } from '../work/unless-ended.ts';
import type { PassOutcome } from '../work/work-loop.ts';
import { type CareState, type Loss, readCare, writeCare } from './care-state.ts';
import { collectionRoots, packagesToKeep, type RootPorts } from './collection-roots.ts';
import { LossRepair, type Repaired } from './loss-repair.ts';

export interface LibraryCareOptions extends RootPorts {
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

/** The installs of this site that have succeeded. */
interface Installs {
  readonly count: number;
  readonly lastAt: EpochMs;
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
  readonly #repair: LossRepair;
  /** Of this process: a part of the scrub is not begun before. */
  #nextPartAt: EpochMs = 0;

  constructor(options: LibraryCareOptions) {
    this.#options = options;
    this.#pace = options.pace ?? defaultPace;
    this.#repair = new LossRepair(options);
  }

  /**
   * Does what is due, a part of it at a time. Cheap when nothing is. May be ended at any time: the next pass goes on
   * with what is left.
   */
  async pass(signal: AbortSignal, report: (reason: string) => void): Promise<PassOutcome> {
    const installs = this.#installs();
    let state = this.#state(installs);
    if (state.lost !== undefined && isDue(retry, state.lost.nextAt, this.#options.clock.now())) {
      report('fetches again what the disk has lost of the content library');
      state = await this.#heal(state, state.lost, signal);
    }
    if (this.#collectAt(state, installs) <= this.#options.clock.now()) {
      report('removes what nothing needs from the content library');
      state = await this.#collect(state, installs, signal);
    }
    if (this.#scrubAt(state) <= this.#options.clock.now()) {
      report('compares the content library with its names');
      state = await this.#scrubPart(state, signal);
    }
    const { lost } = state;
    const nextAt = Math.min(this.#collectAt(state, installs), this.#scrubAt(state), lost?.nextAt ?? Infinity);
    return lost === undefined || lost.failures === 0
      ? { state: 'waiting', reason: state.said, nextAt }
      : { state: 'failing', reason: lost.reason, nextAt };
  }

  /** What was kept, or the beginning: nothing is due before its first interval is over. */
  #state(installs: Installs): CareState {
    const { database, clock } = this.#options;
    const kept = readCare(database);
    if (kept !== undefined) return kept;
    const now = clock.now();
    const begun: CareState = {
      collectedAt: now,
      scrubbedAt: now,
      installs: installs.count,
      said: 'the content library has not been checked yet',
    };
    writeCare(database, begun);
    return begun;
  }

  #collectAt(state: CareState, { count, lastAt }: Installs): EpochMs {
    // What a damaged document names is not known: nothing is collected before it is whole.
    if (state.lost?.holdsBack === true) return Infinity;
    const daily = laterBy(state.collectedAt, collectEvery, this.#options.clock.now());
    if (state.installs === count) return daily;
    return Math.min(daily, Math.max(lastAt, state.collectedAt) + collectAfterInstall);
  }

  #scrubAt({ scrub: running, scrubbedAt }: CareState): EpochMs {
    const now = this.#options.clock.now();
    if (running === undefined) return laterBy(scrubbedAt, scrubEvery, now);
    // A clock that was set back must not put it off.
    return this.#nextPartAt - now > this.#pace.everyMs ? now : this.#nextPartAt;
  }

  async #collect(state: CareState, installs: Installs, signal: AbortSignal): Promise<CareState> {
    const { log, fetcher, clock, blobs } = this.#options;
    try {
      const noted = await this.#checkDocuments(state, signal);
      if (noted !== state) return noted;
      const { removed, freedBytes } = await collectGarbage(
        {
          blobs,
          roots: () => unlessEnded(collectionRoots(this.#options), signal),
          isInUse: (sha256) => fetcher.isInUse(sha256),
        },
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
    return this.#keep({ ...state, collectedAt: clock.now(), installs: installs.count });
  }

  async #scrubPart(state: CareState, signal: AbortSignal): Promise<CareState> {
    const { clock, log } = this.#options;
    const running = state.scrub ?? { checked: 0, checkedBytes: 0, lost: 0 };
    this.#nextPartAt = clock.now() + this.#pace.everyMs;
    let noted = state;
    const part: Scrubbed = await scrub(
      this.#options,
      signal,
      {
        bytesMax: this.#pace.bytes,
        ...(running.after === undefined ? {} : { after: running.after }),
      },
      async ({ sha256 }) => {
        noted = await this.#note(noted, sha256);
      },
    );
    const after = part.last ?? running.after;
    const so = {
      checked: running.checked + part.checked,
      checkedBytes: running.checkedBytes + part.checkedBytes,
      lost: running.lost + part.removed.length,
      ...(after === undefined ? {} : { after }),
    };
    let next: CareState;
    if (part.atEnd === true) {
      const { scrub: _, ...rest } = noted;
      const found = so.lost === 0 ? 'all as they should be' : `${so.lost} were damaged`;
      const said = `the content library was checked at ${instant(clock.now())}: ${so.checked} blobs, ${formatBytes(so.checkedBytes)}, ${found}`;
      log.info('The content library is checked: {count} blobs, {bytes}, {found}', {
        count: so.checked,
        bytes: formatBytes(so.checkedBytes),
        found,
      });
      next = { ...rest, scrubbedAt: clock.now(), said };
    } else {
      next = { ...noted, scrub: so };
    }
    return this.#keep(next);
  }

  /** The disk has damaged a blob, which is removed next: notes it for good, and what is needed of it is fetched soon. */
  async #note(state: CareState, sha256: Digest): Promise<CareState> {
    const { log, clock } = this.#options;
    log.error('The disk has damaged the blob {sha256} of the content library, which is removed', { sha256 });
    const digests = [...new Set([...(state.lost?.digests ?? []), sha256])];
    return this.#keep({
      ...state,
      lost: {
        digests,
        holdsBack: await this.#holdBack(digests),
        failures: state.lost?.failures ?? 0,
        nextAt: clock.now(),
        reason: `the disk has damaged ${digests.length} blobs of the content library: they are fetched again; check the disk`,
      },
    });
  }

  /** Fetches what is missing of what this site held: whatever can be had, the rest later. */
  async #heal(state: CareState, loss: Loss, signal: AbortSignal): Promise<CareState> {
    const { content, clock, random, log } = this.#options;
    const { receivedBytes, left, problem }: Repaired = await this.#repair.repair(loss.digests, signal);
    const { lost: _, ...whole } = state;
    if (problem === undefined) {
      log.info('What the disk had damaged is whole again, {bytes} from {source}', {
        bytes: formatBytes(receivedBytes),
        source: content.name,
      });
      return this.#keep(whole);
    }
    const failures = loss.failures + 1;
    const nextAt = clock.now() + backOffMs(retry, failures, random.fraction());
    const reason = `what the disk has damaged of the content library could not be fetched again: ${problem}`;
    log.error('{reason}; next try at {nextAt}', { reason, nextAt: instant(nextAt) });
    const holdsBack = await this.#holdBack(left);
    return this.#keep({ ...whole, lost: { digests: left, holdsBack, failures, nextAt, reason } });
  }

  /** Whether one of these says what has to stay; also while that is not known. */
  async #holdBack(digests: readonly Digest[]): Promise<boolean> {
    try {
      const documents = (await packagesToKeep(this.#options)).flatMap(({ descriptor }) =>
        documentDigests(descriptor.content),
      );
      return digests.some((sha256) => documents.includes(sha256));
    } catch (error) {
      this.#options.log.debug('What has to stay in the content library is not known: {error}', {
        error: messageOf(error),
      });
      return true;
    }
  }

  /** Removes documents of kept packages that the disk has changed: without them nobody knows what they name. */
  async #checkDocuments(state: CareState, signal: AbortSignal): Promise<CareState> {
    let noted = state;
    for (const { descriptor } of await packagesToKeep(this.#options)) {
      for (const sha256 of documentDigests(descriptor.content)) {
        if ((await healthOf(sha256, this.#options, signal)) !== 'damaged') continue;
        noted = await this.#note(noted, sha256);
        await this.#options.blobs.remove(sha256);
      }
    }
    return noted;
  }

  #installs(): Installs {
    const { database, site } = this.#options;
    const done = database
      .read(({ updates }) => updates.projections({ site: site.code }))
      .filter(({ state }) => state === 'INSTALL_SUCCESS');
    return { count: done.length, lastAt: Math.max(0, ...done.map(({ since }) => since)) };
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

/** The two documents without which nobody knows what else a package names. */
function documentDigests(content: PackageContent): readonly Digest[] {
  return Object.values(documentsOf(content)).map(({ blob }) => blob.sha256);
}
