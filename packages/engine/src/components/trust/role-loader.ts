import type { MetaFile, Targets } from '@sallyport/core/domain/trust/documents';
import type { TrustLimits } from '@sallyport/core/domain/trust/limits';
import { metadataName } from '@sallyport/core/domain/trust/metadata-name';
import type { SearchStep } from '@sallyport/core/domain/trust/target-search';
import { TrustError, type TrustErrorCode } from '@sallyport/core/domain/trust/trust-error';
import { TrustedSet, type TrustTime, type TrustTools } from '@sallyport/core/domain/trust/trusted-set';
import type { RepositorySource } from '../../ports/repository.ts';
import type { TrustStore } from '../../ports/trust-store.ts';

/** What happened to one role. */
export type TrustEvent =
  | { readonly kind: 'trusted'; readonly role: string; readonly version: number }
  /** Stored metadata is not what is needed any more; it is fetched anew. */
  | {
      readonly kind: 'stored-ignored';
      readonly role: string;
      readonly code: TrustErrorCode;
      readonly reason: string;
    };

export interface RoleLoaderOptions {
  readonly store: TrustStore;
  readonly tools: TrustTools;
  readonly limits: TrustLimits;
  readonly onEvent: (event: TrustEvent) => void;
}

/**
 * Fills a trusted set role by role: from the store where that will do, else from the source, and stores each role as
 * soon as it is believed. Without a source, what is stored must do, and the error says why it does not.
 */
export class RoleLoader {
  readonly #store: TrustStore;
  readonly #tools: TrustTools;
  readonly #limits: TrustLimits;
  readonly #onEvent: (event: TrustEvent) => void;

  constructor(options: RoleLoaderOptions) {
    this.#store = options.store;
    this.#tools = options.tools;
    this.#limits = options.limits;
    this.#onEvent = options.onEvent;
  }

  /** All top-level roles (TUF 5.1 to 5.6). @throws {TrustError} @throws {RepositorySourceError} */
  async load(
    time: TrustTime,
    source: RepositorySource | undefined,
    signal: AbortSignal,
  ): Promise<TrustedSet> {
    const rootBytes = await this.#store.load('root');
    if (rootBytes === undefined) {
      throw new TrustError(
        'NO_ROOT',
        'no trust root is pinned here: put the folder "trust" back from a backup, or the vendor’s 1.root.json into it as root.json',
      );
    }
    const set = trustedFrom(rootBytes, this.#tools, time);
    if (source !== undefined) {
      await this.#followRoots(set, source, signal);
    }
    set.requireFreshRoot();
    await this.#loadTimestamp(set, source, signal);
    await this.#loadSnapshot(set, source, signal);
    await this.loadTargets(set, { role: 'targets', delegator: 'root' }, source, signal);
    return set;
  }

  /** TUF 5.6, for `targets` and delegated roles alike. */
  async loadTargets(
    set: TrustedSet,
    { role, delegator }: SearchStep,
    source: RepositorySource | undefined,
    signal: AbortSignal,
  ): Promise<Targets> {
    const loaded = set.targetsVia(role, delegator);
    if (loaded !== undefined) {
      return loaded;
    }
    const named = set.describedTargets(role);
    const stored = await this.#restore(role, source, (bytes) => set.updateTargets(bytes, role, delegator));
    if (stored !== undefined) {
      return stored;
    }
    if (source === undefined) {
      throw new TrustError(
        'NOT_FOUND',
        `the metadata of role ${role} is not stored here as version ${named.version}: refresh from a source first`,
        { role },
      );
    }
    const file = fileOf(set, role, named);
    const maxBytes = Math.min(named.lengthBytes ?? Infinity, this.#limits.targetsMaxBytes);
    const bytes = await fetchMetadata(source, file, maxBytes, signal);
    const targets = cameFrom(source, file, () => set.updateTargets(bytes, role, delegator));
    await this.#save(set, role, bytes, targets.version);
    return targets;
  }

  /** TUF 5.3: every root version, one by one, until there is no next one. */
  async #followRoots(set: TrustedSet, source: RepositorySource, signal: AbortSignal): Promise<void> {
    for (let rotations = 0; ; rotations += 1) {
      const version = set.root.signed.version + 1;
      const bytes = await source.metadata(
        metadataName('root', version),
        { maxBytes: this.#limits.rootMaxBytes },
        signal,
      );
      if (bytes === undefined) {
        return;
      }
      if (rotations === this.#limits.rootRotationsMax) {
        throw new TrustError(
          'TOO_MANY_ROOTS',
          `${source.name} has more than ${rotations} new root versions; version ${version - 1} is stored: refresh again to go on from it`,
          {
            rotations,
            version: version - 1,
          },
        );
      }
      cameFrom(source, metadataName('root', version), () => set.updateRoot(bytes));
      await this.#store.saveRoot(version, bytes);
      await this.#noteTrusted(set, 'root', version);
    }
  }

  /** TUF 5.4. */
  async #loadTimestamp(
    set: TrustedSet,
    source: RepositorySource | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    await this.#restore('timestamp', source, (bytes) => set.restoreTimestamp(bytes));
    if (source !== undefined) {
      const file = metadataName('timestamp');
      const bytes = await fetchMetadata(source, file, this.#limits.timestampMaxBytes, signal);
      if (cameFrom(source, file, () => set.updateTimestamp(bytes)) === 'updated') {
        await this.#save(set, 'timestamp', bytes, set.timestamp?.signed.version ?? 0);
      }
    }
    set.requireFreshTimestamp();
  }

  /** TUF 5.5. */
  async #loadSnapshot(
    set: TrustedSet,
    source: RepositorySource | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const named = set.requireFreshTimestamp().snapshot;
    const stored = await this.#restore('snapshot', source, (bytes) => set.restoreSnapshot(bytes));
    if (stored === 'current') {
      return;
    }
    if (source === undefined) {
      // There is no other: taking it anew says what is wrong with it. That none is here, targets will say.
      if (set.snapshot !== undefined) {
        set.updateSnapshot(set.snapshot.bytes);
      }
      return;
    }
    const file = fileOf(set, 'snapshot', named);
    const maxBytes = Math.min(named.lengthBytes ?? Infinity, this.#limits.snapshotMaxBytes);
    const bytes = await fetchMetadata(source, file, maxBytes, signal);
    cameFrom(source, file, () => set.updateSnapshot(bytes));
    await this.#save(set, 'snapshot', bytes, named.version);
  }

  /**
   * Tries what is stored; undefined when there is nothing, or nothing that may be believed now but a source to get
   * something better from.
   */
  async #restore<T>(
    role: string,
    source: RepositorySource | undefined,
    use: (bytes: Uint8Array) => T,
  ): Promise<T | undefined> {
    const bytes = await this.#store.load(role);
    if (bytes === undefined) {
      return undefined;
    }
    try {
      return use(bytes);
    } catch (error) {
      if (error instanceof TrustError && source !== undefined) {
        this.#onEvent({ kind: 'stored-ignored', role, code: error.code, reason: error.message });
        return undefined;
      }
      throw error;
    }
  }

  async #save(set: TrustedSet, role: string, bytes: Uint8Array, version: number): Promise<void> {
    await this.#store.save(role, bytes);
    await this.#noteTrusted(set, role, version);
  }

  async #noteTrusted(set: TrustedSet, role: string, version: number): Promise<void> {
    const signedTimeMs = set.newestSignedTime;
    if (signedTimeMs !== undefined) {
      await this.#store.raiseTimeFloor(signedTimeMs);
    }
    this.#onEvent({ kind: 'trusted', role, version });
  }
}

/** Starts from the root that is pinned here; what is wrong with that one no source can mend. */
function trustedFrom(rootBytes: Uint8Array, tools: TrustTools, time: TrustTime): TrustedSet {
  try {
    return new TrustedSet(rootBytes, tools, time);
  } catch (error) {
    if (!(error instanceof TrustError)) {
      throw error;
    }
    throw new TrustError(
      error.code,
      `the root that is pinned here was damaged or altered: restore the site's trust folder from a backup, or set the site up again (${error.message})`,
      error.details,
      { cause: error },
    );
  }
}

/** The name of the file that holds a role as it is described. */
function fileOf(set: TrustedSet, role: string, named: MetaFile): string {
  return metadataName(role, set.root.signed.consistentSnapshot ? named.version : undefined);
}

/** Judges bytes that came from a source; when they are not believed, the error says where they came from. */
function cameFrom<T>(source: RepositorySource, file: string, judge: () => T): T {
  try {
    return judge();
  } catch (error) {
    if (!(error instanceof TrustError)) {
      throw error;
    }
    const details = { ...error.details, file, source: source.name };
    throw new TrustError(error.code, `${error.message} (${file} of ${source.name})`, details, {
      cause: error,
    });
  }
}

async function fetchMetadata(
  source: RepositorySource,
  name: string,
  maxBytes: number,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const bytes = await source.metadata(name, { maxBytes }, signal);
  if (bytes === undefined) {
    throw new TrustError(
      'NOT_FOUND',
      `${source.name} has no ${name}, which trusted metadata names: it is not published whole; try again later, or from another source`,
      {
        file: name,
        source: source.name,
      },
    );
  }
  return bytes;
}
