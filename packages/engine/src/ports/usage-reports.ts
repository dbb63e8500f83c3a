import type { UsageLevel } from '@sallyport/core/domain/usage/level';
import type { Digest, EpochMs } from '@sallyport/core/shared/ids';

/**
 * - `waiting`: fixed, and to be sent until its receipt is there
 * - `acknowledged`: the cloud has it durably
 * - `refused`: the cloud does not want it; the reason says why
 * - `dropped`: it held more than the level now allows, and was never sent again
 */
export type ReportState = 'acknowledged' | 'dropped' | 'refused' | 'waiting';

/** Which report: epoch of the top-tier site, and number in it. */
export interface ReportId {
  readonly epoch: number;
  readonly sequence: number;
}

/** A report that was fixed as bytes, and what became of it. */
export interface StoredReport extends ReportId {
  readonly level: UsageLevel;
  readonly fixedAt: EpochMs;
  readonly payloadSha256: Digest;
  /** Exactly what is signed. Gone from reports that were settled long ago. */
  readonly payload?: Uint8Array;
  readonly sizeBytes: number;
  readonly state: ReportState;
  /** When it was tried to send it for the first time: from then on its bytes never change. */
  readonly sentAt?: EpochMs;
  readonly settledAt?: EpochMs;
  /** Why it was refused or dropped. */
  readonly reason?: string;
}

/** What a report is fixed with. */
export type FixedUsageReport = Required<Pick<StoredReport, 'payload'>> &
  Pick<StoredReport, 'epoch' | 'fixedAt' | 'level' | 'payloadSha256' | 'sequence'>;

export interface ReportReads {
  /** Oldest first, with their bytes. */
  waiting(): readonly (StoredReport & { readonly payload: Uint8Array })[];
  /** How many wait, and their bytes. */
  backlog(): { readonly count: number; readonly sizeBytes: number };
  /** The last one that was fixed, whatever became of it. */
  newest(): StoredReport | undefined;
  newestAcknowledged(): StoredReport | undefined;
  /** The newest first, without their bytes. */
  history(limit: number): readonly StoredReport[];
}

export interface ReportWrites {
  /** Its number follows the newest one's in its epoch. */
  add(report: FixedUsageReport): void;
  /** Other bytes under the same number, for one that was never sent. */
  replace(report: FixedUsageReport): void;
  /** It is tried to send it now; the first time counts. */
  noteSent(report: ReportId, at: EpochMs): void;
  /** Ends the waiting. Bytes of reports that were settled before are forgotten, but for the newest acknowledged one's. */
  settle(
    report: ReportId,
    outcome: {
      readonly state: Exclude<ReportState, 'waiting'>;
      readonly at: EpochMs;
      readonly reason?: string;
    },
  ): void;
}
