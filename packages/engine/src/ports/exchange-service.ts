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
 * - `MALFORMED`, `UNKNOWN_TYPE`: not what this cloud reads
 * - `NOT_ENROLLED`, `FORGED`: of nobody it knows, or not of whom it says
 * - `CODE_REFUSED`, `REFUSED`: an enrolment with a code that is unknown, used or expired, or with an older key
 * - `OLDER`: newer facts were accepted before; `CONFLICT`: other facts under the same number
 */
export type RefusalCode =
  | 'CODE_REFUSED'
  | 'CONFLICT'
  | 'FORGED'
  | 'MALFORMED'
  | 'NOT_ENROLLED'
  | 'OLDER'
  | 'REFUSED'
  | 'UNKNOWN_TYPE';

export type EnrolmentAnswer =
  | { readonly kind: 'enrolled' }
  | { readonly kind: 'refused'; readonly code: 'CODE_REFUSED' | 'REFUSED'; readonly message: string };
