import type { HierarchyId, SiteCode } from '../../shared/ids.ts';

export type SiteType = 'central' | 'primary' | 'secondary';

/** One site in the signed roster. */
export interface RosterEntry {
  readonly code: SiteCode;
  readonly type: SiteType;
  /** Absent for the top-tier site only. */
  readonly parent?: SiteCode;
  /** Raw Ed25519 public key of the site's link certificate and record signatures, hexadecimal. */
  readonly key: string;
  /** Rises with every restore of that site; the highest one counts. */
  readonly epoch: number;
  readonly revoked?: { readonly at: string; readonly reason: string };
}

/** All sites of a hierarchy, signed by its operating key. `version` only rises. */
export interface Roster {
  readonly schema: 1;
  readonly hierarchyId: HierarchyId;
  readonly version: number;
  readonly sites: readonly RosterEntry[];
}

/** The recovery key's word that an operating key speaks for the hierarchy. `sequence` only rises. */
export interface OperatingKeyStatement {
  readonly schema: 1;
  readonly hierarchyId: HierarchyId;
  readonly sequence: number;
  /** Raw Ed25519 public keys, hexadecimal. SHA-256 of the recovery key's bytes is the hierarchy id. */
  readonly recoveryKey: string;
  readonly operatingKey: string;
}

/**
 * A replicated thing as one link carries it. The owner alone writes it; the higher (epoch, n) wins.
 * `hash` is SHA-256 of canonical JSON of {owner, kind, key, epoch, n, body}.
 */
export interface ReplicatedRecord {
  readonly owner: SiteCode;
  readonly kind: RecordKind;
  readonly key: string;
  readonly epoch: number;
  readonly n: number;
  readonly body: unknown;
  readonly hash: string;
}

/**
 * What records are about. Down from the top-tier site: `roster`, `operating-key`, `order`, `join-answer`, `usage-policy`,
 * `media-policy`. Down from
 * every site to those below it: `site-releases` and `update-event` (never changes). Up: `site-status`, `site-facts`,
 * `update-event`, `join-request`, `site-usage`.
 */
export type RecordKind =
  | 'roster'
  | 'operating-key'
  | 'order'
  | 'site-releases'
  | 'join-answer'
  | 'site-status'
  | 'site-facts'
  | 'update-event'
  | 'join-request'
  | 'site-usage'
  | 'usage-policy'
  | 'media-policy';
