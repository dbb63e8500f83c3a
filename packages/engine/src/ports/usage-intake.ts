import type { UsageReport } from '@sallyport/core/domain/usage/report';
import type { Digest, EpochMs, HierarchyId } from '@sallyport/core/shared/ids';

/** Takes usage reports of hierarchies and knows which hierarchies are quarantined. */
export interface UsageIntake {
  /**
   * Stores a report with all its rows once for (hierarchy, epoch, sequence), in one transaction that is durable when
   * it resolves. The report was checked against the registry before, and its hierarchy is enrolled. In whichever order
   * the reports of a hierarchy come, and however often, the same rows are there in the end.
   */
  acceptReport(report: UsageReport, payload: ReportPayload, at: EpochMs): Promise<ReportVerdict>;
  /** Undefined: the hierarchy is not quarantined. */
  quarantineOf(id: HierarchyId): Promise<Quarantine | undefined>;
}

export interface ReportPayload {
  readonly sha256: Digest;
  readonly sizeBytes: number;
}

/**
 * How two hierarchies under one identity were told apart:
 *
 * - `same-number`: two different reports have one number
 * - `same-predecessor`: two different reports of one epoch follow the same report, or both follow none
 */
export type CopySign = 'same-number' | 'same-predecessor';

/** A hierarchy that exists twice: nothing of it is taken, and nothing is offered to it, until somebody decides. */
export interface Quarantine {
  readonly since: EpochMs;
  readonly sign: CopySign;
  readonly epoch: number;
  readonly sequence: number;
  /** SHA-256 of the report that is stored, and of the one that came second, which is not. */
  readonly storedSha256: string;
  readonly refusedSha256: string;
}

/**
 * - `accepted`: counted now; `gap` when the report before it is not here (yet)
 * - `repeated`: these very bytes were counted before
 * - `copied`: this report shows that the hierarchy exists twice; it is not stored, and the hierarchy is quarantined now
 * - `quarantined`: the hierarchy was before; the report is not looked into
 * - `older`: not above `floor`, up to which this hierarchy's data were erased here
 */
export type ReportVerdict =
  | { readonly kind: 'accepted'; readonly acceptedAt: EpochMs; readonly gap: boolean }
  | { readonly kind: 'repeated'; readonly acceptedAt: EpochMs }
  | { readonly kind: 'copied'; readonly quarantine: Quarantine }
  | { readonly kind: 'quarantined'; readonly quarantine: Quarantine }
  | { readonly kind: 'older'; readonly floor: { readonly epoch: number; readonly sequence: number } };
