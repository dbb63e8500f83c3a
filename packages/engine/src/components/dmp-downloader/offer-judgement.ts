import type { Offer } from '@sallyport/core/domain/exchange/exchange';
import type { Digest, EpochMs, HierarchyId } from '@sallyport/core/shared/ids';
import type { HeldOffer, OfferSetting } from '../hierarchy-manager/offer-setting.ts';

/** An offer whose signature is good. */
export interface ReceivedOffer {
  readonly offer: Offer;
  readonly payloadSha256: Digest;
}

export type OfferJudgement =
  | { readonly kind: 'accepted'; readonly held: HeldOffer }
  | {
      readonly kind: 'refused';
      readonly why: 'expired' | 'missing' | 'older' | 'other-facts';
      readonly message: string;
    };

/**
 * Whether an offer with a good signature may be used: it is for this hierarchy, not older than one accepted
 * before, answers the facts that were sent, and has not expired.
 */
export function judgeOffer(
  received: ReceivedOffer | undefined,
  known: OfferSetting,
  expected: {
    readonly hierarchyId: HierarchyId;
    readonly factsSha256: Digest;
    readonly referenceTime: EpochMs;
    /** What came in the answer and was not believed, for people. */
    readonly unbelieved: readonly string[];
  },
): OfferJudgement {
  if (received === undefined) {
    const [damaged] = expected.unbelieved;
    if (damaged !== undefined)
      return refused('missing', `the answer's offer cannot be believed, and is asked for again: ${damaged}`);
    return refused(
      'missing',
      'the answer brought no offer: check that the hierarchy is enrolled with the vendor and that its facts were accepted',
    );
  }
  const { offer, payloadSha256 } = received;
  if (offer.hierarchyId !== expected.hierarchyId) {
    return refused(
      'missing',
      `the offer is for hierarchy ${offer.hierarchyId}, not this one: ask the vendor`,
    );
  }
  const repeated = known.held?.payloadSha256 === payloadSha256;
  if (offer.sequence < known.highestSequence || (offer.sequence === known.highestSequence && !repeated)) {
    return refused(
      'older',
      `offer ${offer.sequence} is not newer than offer ${known.highestSequence}, which was accepted before: somebody replays it, or the cloud went back to an older copy`,
    );
  }
  if (offer.factsSha256 !== expected.factsSha256) {
    return refused(
      'other-facts',
      `offer ${offer.sequence} answers the facts ${offer.factsSha256}, and ${expected.factsSha256} were sent`,
    );
  }
  if (Date.parse(offer.expiresAt) <= expected.referenceTime) {
    return refused(
      'expired',
      `offer ${offer.sequence} expired at ${offer.expiresAt}: check this machine's clock, or ask the vendor`,
    );
  }
  return { kind: 'accepted', held: { offer, payloadSha256, acceptedAt: expected.referenceTime } };
}

/** The setting after a judgement. A refused offer never lowers what was seen, nor comes back by itself. */
export function settingAfter(judgement: OfferJudgement, known: OfferSetting, at: EpochMs): OfferSetting {
  if (judgement.kind === 'accepted') {
    return { schema: 1, highestSequence: judgement.held.offer.sequence, held: judgement.held };
  }
  const { why, message } = judgement;
  return { ...known, absent: { why, message, at } };
}

function refused(why: Extract<OfferJudgement, { kind: 'refused' }>['why'], message: string): OfferJudgement {
  return { kind: 'refused', why, message };
}
