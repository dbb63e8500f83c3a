import type { EpochMs } from '../../shared/ids.ts';
import type {
  MetadataParser,
  MetaFile,
  Root,
  SignedDocument,
  Snapshot,
  Targets,
  Timestamp,
} from './documents.ts';
import { checkFile } from './file-check.ts';
import type { DigestOf, KeyId, RoleKeys, SignatureCheck, TrustKey } from './key.ts';
import {
  isExpired,
  missing,
  outOfOrder,
  requireFresh,
  requireNoRollback,
  requireVersion,
  type TrustTime,
} from './metadata-rules.ts';
import { signedTime } from './reference-time.ts';
import { verifySignatures } from './signatures.ts';
import { keysForRole } from './target-search.ts';
import { TrustError } from './trust-error.ts';

export type { TrustTime } from './metadata-rules.ts';

/** What the trusted set cannot do itself: it is pure. */
export interface TrustTools {
  readonly parse: MetadataParser;
  readonly check: SignatureCheck;
  readonly digestOf: DigestOf;
}

/**
 * The metadata that is believed, and the rules by which more comes to be believed (TUF 5.3 to 5.6).
 *
 * Roles come in order: root versions one by one, then timestamp, snapshot, targets and delegated roles. Each
 * `update…` takes bytes from anywhere and either believes them or throws and changes nothing. Each `restore…` takes
 * bytes that were believed in an earlier refresh: they count as the floor below which nothing may roll back, whether
 * or not they are still fresh. A floor that the root's keys no longer vouch for is no floor: rotating a key is how a
 * repository recovers from versions that a thief drove up (5.3.11).
 *
 * Work is linear in the size of what comes in.
 */
export class TrustedSet {
  readonly #tools: TrustTools;
  readonly #time: TrustTime;
  #root: SignedDocument<Root>;
  #timestamp: SignedDocument<Timestamp> | undefined;
  #snapshot: SignedDocument<Snapshot> | undefined;
  readonly #targets = new Map<string, SignedDocument<Targets>>();

  /**
   * Starts from a root that is trusted already, be it expired.
   *
   * @throws {TrustError} MALFORMED, WRONG_TYPE, or BELOW_THRESHOLD and BAD_SIGNATURE when it is not signed by itself
   */
  constructor(rootBytes: Uint8Array, tools: TrustTools, time: TrustTime) {
    this.#tools = tools;
    this.#time = time;
    const root = tools.parse('root', rootBytes);
    this.#verify(root, 'root', 'itself', root.signed.roles.root, root.signed.keys);
    this.#root = root;
  }

  get root(): SignedDocument<Root> {
    return this.#root;
  }

  get timestamp(): SignedDocument<Timestamp> | undefined {
    return this.#timestamp;
  }

  get snapshot(): SignedDocument<Snapshot> | undefined {
    return this.#snapshot;
  }

  /** `targets` or a delegated role, once it is believed. */
  targets(role = 'targets'): SignedDocument<Targets> | undefined {
    return this.#targets.get(role);
  }

  /** The newest time that believed metadata proves to have passed; undefined when none tells. */
  get newestSignedTime(): EpochMs | undefined {
    const documents: readonly (SignedDocument | undefined)[] = [
      this.#root,
      this.#timestamp,
      this.#snapshot,
      ...this.#targets.values(),
    ];
    const times = documents.flatMap((document) =>
      document === undefined ? [] : (signedTime(document.signed, this.#root.signed) ?? []),
    );
    return times.length === 0 ? undefined : Math.max(...times);
  }

  /**
   * Takes the next root version: signed by the one before and by itself (5.3.4 to 5.3.8). It may be expired, for a
   * newer one may follow.
   *
   * @throws {TrustError} ROLLED_BACK, WRONG_VERSION, BELOW_THRESHOLD, BAD_SIGNATURE, MALFORMED, WRONG_TYPE
   */
  updateRoot(bytes: Uint8Array): void {
    if (this.#timestamp !== undefined) {
      throw outOfOrder('root comes before timestamp');
    }
    const root = this.#tools.parse('root', bytes);
    const trusted = this.#root.signed;
    this.#verify(root, 'root', `root version ${trusted.version}`, trusted.roles.root, trusted.keys);
    this.#verify(root, 'root', 'itself', root.signed.roles.root, root.signed.keys);
    const expected = trusted.version + 1;
    if (root.signed.version !== expected) {
      const code = root.signed.version < expected ? 'ROLLED_BACK' : 'WRONG_VERSION';
      throw new TrustError(
        code,
        `root version ${root.signed.version} came where version ${expected} must follow: every version in between is needed, in order`,
        {
          role: 'root',
          version: root.signed.version,
          trustedVersion: trusted.version,
        },
      );
    }
    this.#root = root;
  }

  /**
   * Ends the chain of roots (5.3.10).
   *
   * @throws {TrustError} EXPIRED
   */
  requireFreshRoot(): void {
    requireFresh('root', this.#root.signed, this.#time);
  }

  /** The timestamp of an earlier refresh, as the floor for the next. @throws {TrustError} when the root's keys do not vouch for it */
  restoreTimestamp(bytes: Uint8Array): void {
    if (this.#timestamp !== undefined) {
      throw outOfOrder('a stored timestamp comes before a new one');
    }
    const timestamp = this.#tools.parse('timestamp', bytes);
    this.#verifyByRoot(timestamp, 'timestamp');
    this.#timestamp = timestamp;
  }

  /**
   * Takes a timestamp (5.4). One with the version that is trusted already changes nothing, whatever it says.
   *
   * @throws {TrustError} ROLLED_BACK, EXPIRED, BELOW_THRESHOLD, BAD_SIGNATURE, MALFORMED, WRONG_TYPE
   */
  updateTimestamp(bytes: Uint8Array): 'unchanged' | 'updated' {
    if (this.#snapshot !== undefined) {
      throw outOfOrder('timestamp comes before snapshot');
    }
    this.requireFreshRoot();
    const timestamp = this.#tools.parse('timestamp', bytes);
    this.#verifyByRoot(timestamp, 'timestamp');
    const trusted = this.#timestamp?.signed;
    if (trusted !== undefined) {
      requireNoRollback('timestamp', trusted.version, timestamp.signed.version);
      if (timestamp.signed.version === trusted.version) {
        this.requireFreshTimestamp();
        return 'unchanged';
      }
      requireNoRollback(
        'snapshot (as the timestamp names it)',
        trusted.snapshot.version,
        timestamp.signed.snapshot.version,
      );
    }
    requireFresh('timestamp', timestamp.signed, this.#time);
    this.#timestamp = timestamp;
    return 'updated';
  }

  /** Whether the timestamp may still be relied on (5.4.4). @throws {TrustError} EXPIRED, NOT_FOUND when there is none */
  requireFreshTimestamp(): Timestamp {
    this.requireFreshRoot();
    if (this.#timestamp === undefined) {
      throw missing('timestamp');
    }
    requireFresh('timestamp', this.#timestamp.signed, this.#time);
    return this.#timestamp.signed;
  }

  /**
   * The snapshot of an earlier refresh: the floor for the next, and the newest one if the timestamp names exactly it.
   *
   * @throws {TrustError} when the root's keys do not vouch for it
   */
  restoreSnapshot(bytes: Uint8Array): 'current' | 'outdated' {
    if (this.#snapshot !== undefined) {
      throw outOfOrder('a stored snapshot comes before a new one');
    }
    const timestamp = this.requireFreshTimestamp();
    const snapshot = this.#tools.parse('snapshot', bytes);
    this.#verifyByRoot(snapshot, 'snapshot');
    this.#snapshot = snapshot;
    return this.#isNamed(snapshot, timestamp.snapshot) && !isExpired(snapshot.signed, this.#time)
      ? 'current'
      : 'outdated';
  }

  /**
   * Takes the snapshot that the timestamp names (5.5).
   *
   * @throws {TrustError} MISMATCH, TOO_LARGE, ROLLED_BACK, WRONG_VERSION, EXPIRED, BELOW_THRESHOLD, BAD_SIGNATURE, MALFORMED, WRONG_TYPE
   */
  updateSnapshot(bytes: Uint8Array): void {
    if (this.#targets.size > 0) {
      throw outOfOrder('snapshot comes before targets');
    }
    const named = this.requireFreshTimestamp().snapshot;
    checkFile('snapshot', named, bytes, this.#tools.digestOf);
    const snapshot = this.#tools.parse('snapshot', bytes);
    this.#verifyByRoot(snapshot, 'snapshot');
    requireVersion('snapshot', 'timestamp', named.version, snapshot.signed.version);
    for (const [name, trusted] of this.#snapshot?.signed.meta ?? []) {
      requireNoRollback(
        `${name} (as the snapshot names it)`,
        trusted.version,
        snapshot.signed.meta.get(name)?.version,
      );
    }
    requireFresh('snapshot', snapshot.signed, this.#time);
    this.#snapshot = snapshot;
  }

  /** What the snapshot says of a targets role. @throws {TrustError} UNKNOWN_ROLE, EXPIRED, WRONG_VERSION, NOT_FOUND */
  describedTargets(role: string): MetaFile {
    const timestamp = this.requireFreshTimestamp();
    if (this.#snapshot === undefined) {
      throw missing('snapshot');
    }
    const snapshot = this.#snapshot.signed;
    requireVersion('snapshot', 'timestamp', timestamp.snapshot.version, snapshot.version);
    requireFresh('snapshot', snapshot, this.#time);
    const named = snapshot.meta.get(`${role}.json`);
    if (named === undefined) {
      throw new TrustError(
        'UNKNOWN_ROLE',
        `role ${role} is not listed in snapshot version ${snapshot.version}: the publisher must list it there`,
        {
          role,
          snapshotVersion: snapshot.version,
        },
      );
    }
    return named;
  }

  /**
   * Takes `targets` (by `root`) or a role that the believed targets role `delegator` delegates to (5.6).
   *
   * @throws {TrustError} UNKNOWN_ROLE, MISMATCH, TOO_LARGE, WRONG_VERSION, EXPIRED, BELOW_THRESHOLD, BAD_SIGNATURE, MALFORMED, WRONG_TYPE
   */
  updateTargets(bytes: Uint8Array, role = 'targets', delegator = 'root'): Targets {
    const named = this.describedTargets(role);
    checkFile(role, named, bytes, this.#tools.digestOf);
    const targets = this.#tools.parse('targets', bytes, role);
    this.#verifyByDelegator(targets, role, delegator);
    requireVersion(role, 'snapshot', named.version, targets.signed.version);
    requireFresh(role, targets.signed, this.#time);
    this.#targets.set(role, targets);
    return targets.signed;
  }

  /**
   * A role that is believed already, reached by way of `delegator`: another way there may trust other keys, so it is
   * checked again. Undefined when the role is not loaded.
   *
   * @throws {TrustError} BELOW_THRESHOLD, BAD_SIGNATURE, UNKNOWN_ROLE
   */
  targetsVia(role: string, delegator: string): Targets | undefined {
    const targets = this.#targets.get(role);
    if (targets === undefined) {
      return undefined;
    }
    this.#verifyByDelegator(targets, role, delegator);
    return targets.signed;
  }

  #verifyByRoot(document: SignedDocument, role: 'snapshot' | 'targets' | 'timestamp'): void {
    const root = this.#root.signed;
    this.#verify(document, role, `root version ${root.version}`, root.roles[role], root.keys);
  }

  #verifyByDelegator(document: SignedDocument, role: string, delegator: string): void {
    if (role === 'targets' && delegator === 'root') {
      this.#verifyByRoot(document, role);
      return;
    }
    const delegations = this.#targets.get(delegator)?.signed.delegations;
    const roleKeys = delegations === undefined ? undefined : keysForRole(role, delegations);
    if (delegations === undefined || roleKeys === undefined) {
      throw new TrustError(
        'UNKNOWN_ROLE',
        `role ${role} is not delegated to by ${delegator}: nobody trusted vouches for it`,
        { role, delegator },
      );
    }
    this.#verify(document, role, delegator, roleKeys, delegations.keys);
  }

  #verify(
    document: SignedDocument,
    role: string,
    signer: string,
    roleKeys: RoleKeys,
    keys: ReadonlyMap<KeyId, TrustKey>,
  ): void {
    verifySignatures(document, role, signer, roleKeys, keys, this.#tools.check);
  }

  #isNamed(snapshot: SignedDocument<Snapshot>, named: MetaFile): boolean {
    if (snapshot.signed.version !== named.version) {
      return false;
    }
    try {
      checkFile('snapshot', named, snapshot.bytes, this.#tools.digestOf);
      return true;
    } catch (error) {
      if (error instanceof TrustError) {
        return false;
      }
      throw error;
    }
  }
}
