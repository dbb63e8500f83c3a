import type { TargetingFacts } from '@sallyport/core/domain/exchange/exchange';
import type { EpochMs, HierarchyId } from '@sallyport/core/shared/ids';
import type { UsageIntake } from './usage-intake.ts';

/** What the cloud service knows of its hierarchies. What a method accepted is durable when it resolves. */
export interface CloudDatabase extends UsageIntake {
  addCodes(codes: readonly EnrolmentCode[]): Promise<void>;
  codes(): Promise<readonly EnrolmentCodeState[]>;
  /**
   * Uses up a code for a hierarchy, in one transaction. A hierarchy that repeats itself with its own code is
   * enrolled, not refused: an answer may get lost. A statement newer than the stored one replaces it.
   */
  enrol(enrolment: Enrolment): Promise<EnrolmentVerdict>;
  /** Takes a newer operating key statement of a hierarchy that is enrolled. The one it has already is accepted again. */
  renewStatement(statement: Statement): Promise<'accepted' | 'not-enrolled' | 'older'>;
  hierarchy(id: HierarchyId): Promise<Hierarchy | undefined>;
  hierarchies(): Promise<readonly HierarchySummary[]>;
  /** Stores facts once for (hierarchy, epoch, sequence). */
  acceptFacts(
    facts: TargetingFacts,
    payload: { readonly bytes: Uint8Array; readonly sha256: string },
    at: EpochMs,
  ): Promise<FactsVerdict>;
  /** Takes the hierarchy's next offer sequence: never given twice. */
  nextOfferSequence(id: HierarchyId): Promise<number>;
  close(): Promise<void>;
}

export interface EnrolmentCode {
  /** SHA-256 of the code's text: the code itself is kept nowhere. */
  readonly sha256: string;
  readonly createdAt: EpochMs;
  readonly expiresAt?: EpochMs;
}

export interface EnrolmentCodeState extends EnrolmentCode {
  readonly usedBy?: HierarchyId;
}

/** A hierarchy's word, signed by its recovery key, for the operating key it signs with. */
export interface Statement {
  readonly hierarchyId: HierarchyId;
  /** The signed statement, as received. */
  readonly statement: Uint8Array;
  readonly statementSequence: number;
  /** Raw Ed25519 public key, hexadecimal. */
  readonly operatingKey: string;
}

export interface Enrolment extends Statement {
  readonly codeSha256: string;
  readonly at: EpochMs;
}

export type EnrolmentVerdict = 'code-expired' | 'code-unknown' | 'code-used' | 'enrolled' | 'statement-old';

export interface Hierarchy {
  readonly id: HierarchyId;
  readonly operatingKey: string;
  readonly statementSequence: number;
  readonly enrolledAt: EpochMs;
}

export interface HierarchySummary extends Hierarchy {
  readonly offerSequence: number;
  /** The newest facts, as they were accepted. */
  readonly facts?: {
    readonly epoch: number;
    readonly sequence: number;
    readonly acceptedAt: EpochMs;
    readonly payload: Uint8Array;
  };
}

/**
 * `accepted`: the newest now. `repeated`: these very bytes were accepted before (`newest` tells whether they still
 * are the newest). `older`: newer ones are there. `conflict`: other bytes under the same number: a clone or a fault.
 */
export type FactsVerdict =
  | { readonly kind: 'accepted'; readonly acceptedAt: EpochMs }
  | { readonly kind: 'repeated'; readonly newest: boolean; readonly acceptedAt: EpochMs }
  | { readonly kind: 'older'; readonly newest: { readonly epoch: number; readonly sequence: number } }
  | { readonly kind: 'conflict' };
