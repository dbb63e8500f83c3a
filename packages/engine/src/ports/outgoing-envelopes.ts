import type { Receipt } from '@sallyport/core/domain/exchange/exchange';
import type { Digest } from '@sallyport/core/shared/ids';

/** One signed envelope that is due out, whatever carries it. */
export interface OutgoingEnvelope {
  /** For people: `facts 3`. */
  readonly what: string;
  readonly payloadType: string;
  /** Of the payload: what receipts name. */
  readonly payloadSha256: Digest;
  /** The signed payload, for people who want to see what leaves. */
  readonly payload: Uint8Array;
  readonly envelope: Uint8Array;
}

/**
 * Something of a hierarchy that goes out and waits for its receipts: facts, the operating key's statement, usage
 * reports. What is due stays due, as the same bytes, until it is settled.
 */
export interface OutgoingEnvelopes {
  /** All that is due, in the order in which it has to be judged. Made one by one as they are taken. */
  due(): Iterable<OutgoingEnvelope>;
  /** It is about to leave by a medium: whatever becomes of that, its bytes are the same from now on. */
  leaves(payloadSha256: Digest): void;
  /** The vendor has it durably. Answers whether it was one of these. A repeat changes nothing. */
  settle(receipt: Receipt): boolean;
  /** The vendor does not want it. Answers whether it was one of these. */
  refused(payloadSha256: Digest, refusal: { readonly code: string; readonly message: string }): boolean;
}
