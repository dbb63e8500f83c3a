import type { BlobRef, DocumentEncodings } from '../content/tree.ts';
import type { SiteType } from '../sites/site.ts';
import type { PackageGuid, ProductId } from '../../shared/ids.ts';
import type { Rule } from './rule.ts';

/**
 * What a package is for. A `baseline` comes from media when a site is set up and is never offered
 * to a site that has the product already.
 */
export type PackageKind = 'baseline' | 'version-update' | 'hotfix' | 'out-of-band';

export type Impact = 'site-server' | 'console' | 'client';

/** A release ring: `general` is everybody's; any other is joined by choice. */
export type Ring = string;

/**
 * An argument vector; no shell. Placeholders `{node}`, `{release}`, `{previousRelease}`, `{data}`
 * stand for the runtime, the folder of this release, of the one before, and a scratch folder.
 */
export interface Command {
  readonly run: readonly string[];
  readonly timeoutMs: number;
}

/** Runs before the switch (`before-switch`) or after it, before the health check (`after-switch`). */
export interface Hook extends Command {
  readonly id: string;
  readonly phase: 'before-switch' | 'after-switch';
  /** Exits 0 when the hook's work is done already, so that a repeat may skip it. */
  readonly probe?: Command;
  /** Takes the hook's work back when the install is rolled back. */
  readonly undo?: Command;
  /** Runs with the site server's own rights; otherwise as an unprivileged user where the platform can. */
  readonly privileged?: boolean;
}

export interface HealthCheck extends Command {
  /** Trimmed standard output must equal this. */
  readonly outputIs?: string;
  readonly attemptsMax: number;
  readonly delayMs: number;
}

export type Severity = 'error' | 'warning';

/** A condition of installing. An error blocks always; a warning blocks until somebody consents to it by name. */
export interface Prerequisite {
  readonly id: string;
  readonly title: string;
  readonly severity: Severity;
  readonly remedy: string;
  /** Absent: every site type. */
  readonly siteTypes?: readonly SiteType[];
  readonly check: PrerequisiteCheck;
}

export type PrerequisiteCheck =
  | { readonly kind: 'rule'; readonly rule: Rule }
  | { readonly kind: 'free-disk'; readonly sizeBytes: number }
  | { readonly kind: 'command'; readonly command: Command }
  /** No install, restart or replication of this product is under way at the site. */
  | { readonly kind: 'no-pending-work' };

/** Optional or pre-release functions that a package brings. */
export interface Feature {
  readonly id: string;
  readonly name: string;
  readonly kind: 'optional' | 'pre-release';
}

export interface Licence {
  readonly name: string;
  /** The whole text, at most 64 KiB. */
  readonly text: string;
}

/**
 * What a vendor says of one package. Named by SHA-256 from the catalogue, which offline keys sign;
 * whatever travels under it is named by SHA-256 in turn.
 */
export interface PackageDescriptor {
  readonly schema: 1;
  readonly guid: PackageGuid;
  readonly product: ProductId;
  readonly name: string;
  readonly description: string;
  readonly kind: PackageKind;
  readonly version: string;
  /** Versions of the product it installs over, both included; absent ends are open. */
  readonly appliesTo: { readonly lowest?: string; readonly highest?: string };
  readonly supersedes: readonly PackageGuid[];
  readonly requires: readonly PackageGuid[];
  readonly ring: Ring;
  readonly impact: readonly Impact[];
  /** ISO 8601 date or instant, UTC. */
  readonly releasedAt: string;
  readonly supportEndsAt?: string;
  readonly licence?: Licence;
  readonly moreInfo?: string;
  readonly applicability?: Rule;
  readonly prerequisites: readonly Prerequisite[];
  readonly features: readonly Feature[];
  readonly content: PackageContent;
  readonly hooks: readonly Hook[];
  readonly healthCheck?: HealthCheck;
}

export interface PackageContent {
  readonly tree: BlobRef;
  readonly encodings: BlobRef;
  /** How the two travel for fewer bytes; absent: as they are. */
  readonly documentEncodings?: DocumentEncodings;
  readonly fileCount: number;
  /** Sum of the sizes of all files. */
  readonly totalBytes: number;
}

/** The offline-signed list of a product's packages: TUF target `catalog/<product>.json`. */
export interface Catalogue {
  readonly schema: 1;
  readonly product: ProductId;
  readonly productName: string;
  /** Nothing new is available without an offer made from accepted facts. */
  readonly requiresUsageData: boolean;
  readonly packages: readonly CatalogueEntry[];
}

export interface CatalogueEntry {
  readonly guid: PackageGuid;
  readonly kind: PackageKind;
  readonly version: string;
  readonly descriptor: BlobRef;
  /** Set for good: a withdrawn package is never installed again, whatever its state was. */
  readonly withdrawn?: { readonly at: string; readonly reason: string };
}

/** The service's own facts, offline-signed: TUF target `service.json`. */
export interface ServiceInfo {
  readonly schema: 1;
  readonly vendor: string;
  readonly products: readonly ProductId[];
  /** Keys that may sign offers and receipts. Raw Ed25519 public keys in hexadecimal. */
  readonly offerKeys: readonly string[];
  /** Keys to which reports are sealed, the one to use first. Raw X25519 public keys in hexadecimal. Absent: nothing can be sealed. */
  readonly sealKeys?: readonly string[];
}

/** The online-signed narrowing of a catalogue: TUF target `rollout/<product>.json`. A package that is not named is not available. */
export interface Rollout {
  readonly schema: 1;
  readonly product: ProductId;
  readonly packages: readonly RolloutEntry[];
}

export interface RolloutEntry {
  readonly guid: PackageGuid;
  /** 0-100: share of hierarchies, chosen by SHA-256(seed, hierarchy id). */
  readonly percentage: number;
  readonly seed: string;
  /** Narrower than the descriptor's own ring; absent: the descriptor's. */
  readonly ring?: Ring;
  /** Not yet: kept back for the reason given; downloads and installs that began go on. */
  readonly held?: { readonly reason: string };
  /**
   * Not yet where a known issue would hit: kept back from hierarchies for which a rule over their reported facts holds,
   * or cannot be judged.
   */
  readonly heldWhere?: readonly { readonly reason: string; readonly rule: Rule }[];
  /** No more: nothing new starts, and installs that have not switched yet stop. */
  readonly stopped?: { readonly reason: string };
  /** A mandatory intermediate version: nothing newer is available to a hierarchy below it. */
  readonly floor?: boolean;
}
