import type { EpochMs } from '../../shared/ids.ts';
import type { KeyId, RoleKeys, TrustKey } from './key.ts';

export type TopLevelRole = 'root' | 'snapshot' | 'targets' | 'timestamp';

export const topLevelRoles: readonly TopLevelRole[] = ['root', 'snapshot', 'targets', 'timestamp'];

/** What every kind of metadata says of itself (TUF 4.3). */
export interface Signed {
  readonly specVersion: string;
  readonly version: number;
  readonly expiresMs: EpochMs;
  /** When it was signed, for publishers that say so (`x-sallyport-issued`). */
  readonly issuedMs?: EpochMs;
  /** The whole signed part as it was parsed, fields that nobody here knows included. */
  readonly fields: Readonly<Record<string, unknown>>;
}

/** TUF 4.3: who speaks for the top-level roles. */
export interface Root extends Signed {
  readonly type: 'root';
  readonly consistentSnapshot: boolean;
  readonly keys: ReadonlyMap<KeyId, TrustKey>;
  readonly roles: Readonly<Record<TopLevelRole, RoleKeys>>;
}

/** TUF 4.6: which snapshot is the newest. */
export interface Timestamp extends Signed {
  readonly type: 'timestamp';
  readonly snapshot: MetaFile;
}

/** TUF 4.4: which version of each targets role belongs together. `meta` is keyed by file name (`targets.json`). */
export interface Snapshot extends Signed {
  readonly type: 'snapshot';
  readonly meta: ReadonlyMap<string, MetaFile>;
}

/** TUF 4.5: files, and who else may speak for some of them. `targets` is keyed by target path. */
export interface Targets extends Signed {
  readonly type: 'targets';
  readonly targets: ReadonlyMap<string, TargetFile>;
  readonly delegations?: Delegations;
}

/** Any metadata document. */
export type Metadata = Root | Snapshot | Targets | Timestamp;

/** Another metadata file, as the timestamp or the snapshot names it. */
export interface MetaFile {
  readonly version: number;
  readonly lengthBytes?: number;
  /** Algorithm to lower-case hexadecimal. */
  readonly hashes?: ReadonlyMap<string, string>;
}

/** A file that the repository vouches for. */
export interface TargetFile {
  readonly path: string;
  readonly lengthBytes: number;
  /** Algorithm to lower-case hexadecimal; at least one. */
  readonly hashes: ReadonlyMap<string, string>;
  readonly custom?: Readonly<Record<string, unknown>>;
}

/** Whom a targets role trusts for which paths, the most trusted first. */
export interface Delegations {
  readonly keys: ReadonlyMap<KeyId, TrustKey>;
  readonly roles: readonly DelegatedRole[];
  /** Equal bins instead of named roles (TAP 15); then `roles` is empty. */
  readonly succinct?: SuccinctRoles;
}

export interface DelegatedRole extends RoleKeys {
  readonly name: string;
  /** Whether the search ends with this role and its own delegations when the path is one of its. */
  readonly terminating: boolean;
  readonly scope: DelegatedScope;
}

/** Paths by pattern, or by the first hexadecimal digits of their SHA-256. */
export type DelegatedScope =
  | { readonly kind: 'paths'; readonly patterns: readonly string[] }
  | { readonly kind: 'hash-prefixes'; readonly prefixes: readonly string[] };

/** 2^bitLength bins named `<namePrefix>-<bin in hexadecimal>`, all signed by the same keys. */
export interface SuccinctRoles extends RoleKeys {
  readonly bitLength: number;
  readonly namePrefix: string;
}

/** One metadata file as received. */
export interface SignedDocument<T extends Metadata = Metadata> {
  /** Exactly the bytes that were served: what is kept and passed on. */
  readonly bytes: Uint8Array;
  /** What the signatures cover: the canonical form of the signed part. */
  readonly signedBytes: Uint8Array;
  /** Signature bytes by key id; text that is no signature at all is empty bytes. */
  readonly signatures: ReadonlyMap<KeyId, Uint8Array>;
  readonly signed: T;
}

/** Reads one metadata file; errors call it by its `role`, which is its kind when not given. @throws {TrustError} MALFORMED, WRONG_TYPE */
export type MetadataParser = <K extends Metadata['type']>(
  kind: K,
  bytes: Uint8Array,
  role?: string,
) => SignedDocument<Extract<Metadata, { readonly type: K }>>;
