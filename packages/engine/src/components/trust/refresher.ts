import type { TargetFile } from '@sallyport/core/domain/trust/documents';
import type { SignatureCheck } from '@sallyport/core/domain/trust/key';
import { defaultTrustLimits, type TrustLimits } from '@sallyport/core/domain/trust/limits';
import { searchTarget } from '@sallyport/core/domain/trust/target-search';
import { TrustError } from '@sallyport/core/domain/trust/trust-error';
import type { TrustedSet } from '@sallyport/core/domain/trust/trusted-set';
import type { EpochMs } from '@sallyport/core/shared/ids';
import type { Digests } from '../../ports/digests.ts';
import type { RepositorySource } from '../../ports/repository.ts';
import type { TrustStore } from '../../ports/trust-store.ts';
import { KnownMetadata } from './known-metadata.ts';
import { RoleLoader, type TrustEvent } from './role-loader.ts';
import { collect, verifiedTarget } from './verified-target.ts';

export type { TrustEvent } from './role-loader.ts';

export interface TrustRefresherOptions {
  readonly store: TrustStore;
  /** Where new metadata and targets come from; without one only `openStored` works. */
  readonly source?: RepositorySource;
  readonly check: SignatureCheck;
  /** What others at this site have read and checked as well; one of its own when not given. */
  readonly metadata?: KnownMetadata;
  readonly digests: Digests;
  /** Those given replace the defaults. */
  readonly limits?: Partial<TrustLimits>;
  /** How long past their expiry timestamp and snapshot still count (offline sites), asked anew each time; 0 when not given. */
  readonly stalenessMs?: () => number;
  readonly onEvent?: (event: TrustEvent) => void;
}

/** The versions that are trusted now. */
export interface TrustedVersions {
  readonly root: number;
  readonly timestamp: number;
  readonly snapshot: number;
  readonly targets: number;
}

/**
 * Keeps a site's trust in a vendor's repository up to date: decides what to fetch, fetches it from the source,
 * believes it by the rules of `TrustedSet`, and stores each role as soon as it is believed. A role that fails never
 * replaces the one trusted before.
 *
 * One call at a time does its work; others wait their turn. While another process works in the same store, a call that
 * may save is refused.
 */
export class TrustRefresher {
  readonly #loader: RoleLoader;
  readonly #store: TrustStore;
  readonly #source: RepositorySource | undefined;
  readonly #digests: Digests;
  readonly #limits: TrustLimits;
  readonly #stalenessMs: () => number;
  #set: TrustedSet | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: TrustRefresherOptions) {
    this.#store = options.store;
    this.#source = options.source;
    this.#digests = options.digests;
    this.#limits = { ...defaultTrustLimits, ...options.limits };
    this.#stalenessMs = options.stalenessMs ?? ((): number => 0);
    const metadata = options.metadata ?? new KnownMetadata(options);
    this.#loader = new RoleLoader({
      store: options.store,
      tools: { parse: metadata.parse, check: metadata.check, digestOf: options.digests.of },
      limits: this.#limits,
      onEvent: options.onEvent ?? (() => undefined),
    });
  }

  /**
   * Brings all top-level roles up to date (TUF 5.1 to 5.6).
   *
   * When it fails, what was verified until then is stored; `openStored` tells whether it can still be worked with.
   *
   * @param referenceTimeMs `referenceTime(clock, floor)`, read once by the caller
   * @throws {TrustError} what is served cannot be believed; NO_ROOT before a root was pinned
   * @throws {RepositorySourceError} nothing could be had from the source
   * @throws {StorageError} FOLDER_IN_USE: another process refreshes this store
   */
  refresh(referenceTimeMs: EpochMs, signal: AbortSignal): Promise<TrustedVersions> {
    return this.#exclusively(() => this.#load(referenceTimeMs, this.#requireSource(), signal));
  }

  /**
   * Works from what is stored, without the source, judged at the time given.
   *
   * @throws {TrustError} EXPIRED when it is too old by now, NOT_FOUND or WRONG_VERSION when it is not complete
   */
  openStored(referenceTimeMs: EpochMs): Promise<TrustedVersions> {
    return this.#exclusively(() => this.#load(referenceTimeMs, undefined, new AbortController().signal));
  }

  /**
   * What the most trusted role says of a target path; undefined when none knows it. Delegated roles are loaded as the
   * search needs them: from the store, else from the source.
   *
   * @throws {TrustError} also OUT_OF_ORDER before `refresh` or `openStored` succeeded
   */
  targetInfo(path: string, signal: AbortSignal): Promise<TargetFile | undefined> {
    return this.#exclusively(() => this.#find(path, signal));
  }

  /**
   * The verified bytes of a (small) target.
   *
   * @throws {TrustError} NOT_FOUND, MISMATCH, TOO_LARGE
   */
  fetchTarget(path: string, signal: AbortSignal): Promise<Uint8Array> {
    return this.#exclusively(() => this.#fetch(path, signal));
  }

  /**
   * A target's bytes as they come. Only when the last chunk has been taken without an error are they verified: write
   * them where nobody sees them, and show them then.
   *
   * @param info from `targetInfo`
   * @throws {TrustError} NOT_FOUND, MISMATCH, TOO_LARGE, while chunks are taken
   */
  readTarget(info: TargetFile, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const hashed = this.#trusted().root.signed.consistentSnapshot;
    return verifiedTarget(this.#requireSource(), info, hashed, this.#digests, signal);
  }

  async #load(
    referenceTimeMs: EpochMs,
    source: RepositorySource | undefined,
    signal: AbortSignal,
  ): Promise<TrustedVersions> {
    const time = { referenceTimeMs, stalenessMs: this.#stalenessMs() };
    try {
      this.#set = await this.#loader.load(time, source, signal);
    } catch (error) {
      // The set before this one may rest on keys that a new root has just taken away.
      this.#set = undefined;
      throw error;
    }
    const { root, timestamp, snapshot } = this.#set;
    return {
      root: root.signed.version,
      timestamp: timestamp?.signed.version ?? 0,
      snapshot: snapshot?.signed.version ?? 0,
      targets: this.#set.targets()?.signed.version ?? 0,
    };
  }

  async #find(path: string, signal: AbortSignal): Promise<TargetFile | undefined> {
    const set = this.#trusted();
    const search = searchTarget(path, this.#limits.delegatedRolesMax, this.#digests.of);
    let step = search.next();
    while (step.done !== true) {
      const targets = await this.#loader.loadTargets(set, step.value, this.#source, signal);
      step = search.next(targets);
    }
    return step.value;
  }

  async #fetch(path: string, signal: AbortSignal): Promise<Uint8Array> {
    const info = await this.#find(path, signal);
    if (info === undefined) {
      throw new TrustError(
        'NOT_FOUND',
        `no trusted role knows the target ${path}: check its name, or wait until it is published`,
        { path },
      );
    }
    if (info.lengthBytes > this.#limits.targetFileMaxBytes) {
      throw new TrustError(
        'TOO_LARGE',
        `the target ${path} has ${info.lengthBytes} bytes, and at most ${this.#limits.targetFileMaxBytes} are read whole`,
        {
          path,
          lengthBytes: info.lengthBytes,
        },
      );
    }
    return collect(this.readTarget(info, signal), info.lengthBytes);
  }

  #trusted(): TrustedSet {
    if (this.#set === undefined) {
      throw new TrustError(
        'OUT_OF_ORDER',
        'nothing is trusted yet: refresh, or open what is stored, before looking for targets',
      );
    }
    return this.#set;
  }

  #requireSource(): RepositorySource {
    if (this.#source === undefined) {
      throw new TrustError(
        'OUT_OF_ORDER',
        'this site has no source of metadata: only what is stored can be opened',
      );
    }
    return this.#source;
  }

  #exclusively<T>(work: () => Promise<T>): Promise<T> {
    // Without a source nothing is saved, so there is nothing to keep others from.
    const alone = this.#source === undefined ? undefined : this.#store.exclusively?.bind(this.#store);
    const result = this.#last.then(alone === undefined ? work : () => alone(work));
    // The next one in the queue does not care how this one ended; its caller hears it.
    this.#last = result.catch(() => undefined);
    return result;
  }
}
