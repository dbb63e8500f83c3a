import type { RowProblemCode } from '@sallyport/core/domain/usage/row-check';
import type { HierarchyId } from '@sallyport/core/shared/ids';

/** The cloud's side of an exchange, whatever carries it. */
export interface ExchangeService {
  /** Judges each envelope alone. What is receipted is durable. */
  exchange(envelopes: readonly Uint8Array[]): Promise<ExchangeAnswer>;
  enrol(request: {
    readonly code: string;
    readonly hierarchyId: HierarchyId;
    /** The operating key statement in its envelope. */
    readonly statement: Uint8Array;
  }): Promise<EnrolmentAnswer>;
}

export interface ExchangeAnswer {
  readonly envelopes: readonly Uint8Array[];
  readonly refused: readonly RefusedEnvelope[];
}

export interface RefusedEnvelope {
  readonly index: number;
  readonly code: RefusalCode;
  readonly message: string;
}

/**
 * - `MALFORMED`, `TOO_LARGE`, `UNKNOWN_TYPE`: not what this cloud reads
 * - `SEALED_TO_OTHER`: sealed to a key that this cloud does not hold; `NOT_OPENED`: altered since it was sealed;
 *   `NESTED`: sealed twice
 * - `NOT_ENROLLED`, `FORGED`: of nobody it knows, or not of whom it says
 * - `CODE_REFUSED`, `REFUSED`: an enrolment with a code that is unknown, used or expired, or with an older key
 * - `OLDER`: newer facts were accepted before, or what the report tells was erased here
 * - `CONFLICT`: something else was accepted under the same number; `COPIED`: another report follows the same one. Of
 *   reports, either quarantines the hierarchy; `QUARANTINED`: it was before
 * - what the registry has against a report's rows, by the registry's own codes
 */
export type RefusalCode =
  | RowProblemCode
  | 'CODE_REFUSED'
  | 'CONFLICT'
  | 'COPIED'
  | 'FORGED'
  | 'MALFORMED'
  | 'NESTED'
  | 'NOT_ENROLLED'
  | 'NOT_OPENED'
  | 'OLDER'
  | 'QUARANTINED'
  | 'REFUSED'
  | 'SEALED_TO_OTHER'
  | 'TOO_LARGE'
  | 'UNKNOWN_TYPE';

export type EnrolmentAnswer =
  | { readonly kind: 'enrolled' }
  | { readonly kind: 'refused'; readonly code: 'CODE_REFUSED' | 'REFUSED'; readonly message: string };
