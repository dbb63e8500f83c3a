import { SallyportError } from '@sallyport/core/shared/errors';
import type { HierarchyId } from '@sallyport/core/shared/ids';

/**
 * Why an exchange came to nothing. `UNREACHABLE` and `STALLED` may be tried again as they are; the others will fail
 * again until somebody changes something.
 */
export type ExchangeErrorCode =
  | 'CODE_REFUSED'
  | 'MALFORMED'
  | 'REFUSED'
  | 'STALLED'
  | 'TOO_LARGE'
  | 'UNREACHABLE';

/** An exchange with the vendor's cloud that failed as a whole. */
export class ExchangeError extends SallyportError<ExchangeErrorCode> {}

/** One way to the vendor's cloud, whatever carries it: a set of DSSE envelopes out, a set in. */
export interface VendorExchange {
  readonly name: string;
  /** Registers the hierarchy once; a repeat with the same statement is harmless. @throws {ExchangeError} CODE_REFUSED, UNREACHABLE, STALLED, REFUSED */
  enrol(
    request: { readonly code: string; readonly hierarchyId: HierarchyId; readonly statement: Uint8Array },
    signal: AbortSignal,
  ): Promise<void>;
  /** Each envelope is judged alone: `refused` names those that were not accepted. @throws {ExchangeError} UNREACHABLE, STALLED, TOO_LARGE, MALFORMED, REFUSED */
  exchange(
    envelopes: readonly Uint8Array[],
    signal: AbortSignal,
  ): Promise<{
    readonly envelopes: readonly Uint8Array[];
    readonly refused: readonly { readonly index: number; readonly code: string; readonly message: string }[];
  }>;
}
