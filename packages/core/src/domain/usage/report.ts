import type { Digest, HierarchyId } from '../../shared/ids.ts';
import type { SiteType } from '../sites/site.ts';
import type { UsageRow } from './item.ts';
import type { UsageLevel } from './level.ts';

/** Body of the record `usage-policy`: what a hierarchy tells, and since whose decision. Travels down. */
export interface UsagePolicy {
  readonly schema: 1;
  readonly level: UsageLevel;
  readonly changedAt: string;
  readonly changedBy: string;
  /** Rises with every wish to collect now: a site that has collected for a lower one collects again. */
  readonly request: number;
}

/** Body of the record `site-usage`: what one site collected last, names in plain. Travels up. */
export interface SiteUsage {
  readonly schema: 1;
  readonly level: UsageLevel;
  readonly collectedAt: string;
  /** The policy's request number that it answers. */
  readonly request: number;
  /** By item id. Items without data are there, with no rows. */
  readonly items: Readonly<Record<string, readonly UsageRow[]>>;
}

/**
 * What leaves: the newest collections of all sites at one moment. Names are hashed with a key that only the
 * hierarchy has. Signed as DSSE by the operating key, sealed to the cloud.
 */
export interface UsageReport {
  readonly schema: 1;
  readonly hierarchyId: HierarchyId;
  /** Of the top-tier site. With `sequence` it names the report: what the cloud counts once. */
  readonly epoch: number;
  /** From 1 in each epoch. A number may be missing: its report was dropped when the level was lowered. */
  readonly sequence: number;
  /** SHA-256 of the payload bytes of the report that was fixed before, whatever became of it; absent in the first ever. */
  readonly previous?: Digest;
  /** Nothing in it is above this level. */
  readonly level: UsageLevel;
  readonly fixedAt: string;
  readonly sites: readonly ReportedSite[];
}

export interface ReportedSite {
  /** Keyed hash of the site code: the same in every report of this hierarchy. */
  readonly site: string;
  readonly type: SiteType;
  readonly level: UsageLevel;
  readonly collectedAt: string;
  readonly items: Readonly<Record<string, readonly UsageRow[]>>;
}
