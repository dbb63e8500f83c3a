import type { UsageLevel } from '@sallyport/core/domain/usage/level';
import type { EpochMs, HierarchyId, PackageGuid } from '@sallyport/core/shared/ids';
import type { Quarantine } from './usage-intake.ts';

/** What the vendor learns from accepted usage data, and decides about them. Every decision is audited with it. */
export interface UsageLedger {
  /** Every enrolled hierarchy whose id begins with `prefix`, by id. */
  hierarchies(prefix?: string): Promise<readonly HierarchyUsage[]>;
  /** How many hierarchies and sites run which version of which product, by their newest reports. */
  versions(): Promise<readonly VersionCount[]>;
  /** How many hierarchies report at which level now; one that has never reported is in none. */
  levels(): Promise<readonly { readonly level: UsageLevel; readonly hierarchies: number }[]>;
  /** Packages by product, version and state, by the newest reports. */
  states(): Promise<readonly StateCount[]>;
  /** How installs of each package ended, by the newest reports: a quarter's worth. */
  errorRates(): Promise<readonly ErrorRate[]>;
  /** What fails alike, with the hierarchies hit; what hits the most of them first. */
  problems(): Promise<readonly ProblemCluster[]>;
  /** The stored reports of a hierarchy, oldest first. */
  reports(id: HierarchyId): Promise<readonly StoredReport[]>;
  /** Ends a quarantine. False: there was none. */
  release(id: HierarchyId, by: Decision): Promise<boolean>;
  /** Removes everything that a hierarchy told, and its enrolment as well when asked to. */
  erase(id: HierarchyId, by: Decision & { readonly enrolment: boolean }): Promise<Erasure>;
  retentionDays(): Promise<number>;
  setRetentionDays(days: number, by: Decision): Promise<void>;
  /** Removes reports and facts that were accepted before `before`. Audited when there was something. */
  purge(before: EpochMs, by: Decision): Promise<Purge>;
  stopLimits(): Promise<readonly StopLimit[]>;
  /** Sets a limit, in place of one that was set before. */
  setStopLimit(limit: Pick<StopLimit, 'guid' | 'ofAtLeast' | 'percent'>, by: Decision): Promise<void>;
  /** False: there was none. */
  removeStopLimit(guid: PackageGuid, by: Decision): Promise<boolean>;
  /** Notes that a limit was passed and the package stopped: it is not looked at again until it is set anew. */
  tripStopLimit(guid: PackageGuid, outcome: InstallOutcome, by: Decision): Promise<void>;
  /** Of the hierarchies whose newest reports tell of installs of a package: how many, and in how many one has failed. */
  installOutcome(guid: PackageGuid): Promise<InstallOutcome>;
  /** Newest first. */
  audit(limit: number): Promise<readonly AuditEntry[]>;
}

/** Whose decision, and when. */
export interface Decision {
  readonly at: EpochMs;
  readonly who: string;
}

export type AuditAct =
  | 'erased'
  | 'purged'
  | 'quarantined'
  | 'released'
  | 'retention-set'
  | 'stop-limit-removed'
  | 'stop-limit-set'
  | 'stopped';

export interface AuditEntry extends Decision {
  readonly act: AuditAct;
  readonly hierarchyId?: string;
  readonly package?: string;
  readonly details: string;
}

export interface HierarchyUsage {
  readonly id: HierarchyId;
  readonly enrolledAt: EpochMs;
  /** Stored reports. */
  readonly reports: number;
  /** When something of it was accepted last, facts or a report; absent when never. */
  readonly heardAt?: EpochMs;
  /** Of the newest report. */
  readonly newest?: {
    readonly epoch: number;
    readonly sequence: number;
    readonly level: UsageLevel;
    readonly fixedAt: EpochMs;
    readonly acceptedAt: EpochMs;
    readonly sites: number;
  };
  readonly quarantine?: Quarantine;
}

export interface VersionCount {
  readonly product: string;
  readonly version: string;
  readonly hierarchies: number;
  readonly sites: number;
}

export interface StateCount {
  readonly product: string;
  readonly version: string;
  readonly package: string;
  readonly state: string;
  readonly hierarchies: number;
  readonly sites: number;
}

export interface ErrorRate {
  readonly product: string;
  readonly version: string;
  readonly package: string;
  /** That tell of at least one install of it. */
  readonly hierarchies: number;
  readonly succeeded: number;
  readonly failed: number;
}

export interface ProblemCluster {
  readonly product: string;
  readonly version: string;
  readonly package: string;
  readonly event: string;
  readonly code: string;
  readonly step: string;
  readonly times: number;
  readonly sites: number;
  readonly hierarchies: readonly HierarchyId[];
}

export interface StoredReport {
  readonly epoch: number;
  readonly sequence: number;
  readonly level: UsageLevel;
  readonly fixedAt: EpochMs;
  readonly acceptedAt: EpochMs;
  readonly sizeBytes: number;
  readonly sites: number;
  readonly rows: number;
  readonly payloadSha256: string;
  /** The report before it has never come, or not yet; one that was erased is no gap. */
  readonly gap: boolean;
}

/** How many went because of their age. */
export interface Purge {
  readonly reports: number;
  readonly facts: number;
}

/** Rows by table, before and after: after a complete erasure every number in `left` is 0. */
export interface Erasure {
  readonly removed: Readonly<Record<string, number>>;
  readonly left: Readonly<Record<string, number>>;
  /** What was removed is overwritten in the database file and gone from its log; false while another process reads it. */
  readonly overwritten: boolean;
}

/** A package is stopped when of at least `ofAtLeast` hierarchies more than `percent` per cent have a failed install. */
export interface StopLimit {
  readonly guid: PackageGuid;
  readonly percent: number;
  readonly ofAtLeast: number;
  readonly setAt: EpochMs;
  readonly trippedAt?: EpochMs;
}

export interface InstallOutcome {
  readonly attempted: number;
  readonly failed: number;
}
