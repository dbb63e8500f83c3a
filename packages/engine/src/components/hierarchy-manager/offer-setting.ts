import type { Offer } from '@sallyport/core/domain/exchange/exchange';
import type { OfferInput } from '@sallyport/core/domain/updates/selection-input';
import type { Digest, EpochMs } from '@sallyport/core/shared/ids';
import type { SettingReads } from '../../ports/site-database.ts';

/** The setting `offer`, written by the downloader: the newest offer, or why the last answer brought none. */
export interface OfferSetting {
  readonly schema: 1;
  /** Of every offer accepted so far: nothing below it is ever used again. */
  readonly highestSequence: number;
  readonly held?: HeldOffer;
  /** The last answer of the cloud brought no offer that may be used; a held one does not count either then. */
  readonly absent?: {
    readonly why: 'expired' | 'missing' | 'older' | 'other-facts';
    readonly message: string;
    readonly at: EpochMs;
  };
}

export interface HeldOffer {
  readonly offer: Offer;
  /** SHA-256 of the payload bytes as they were signed. */
  readonly payloadSha256: Digest;
  readonly acceptedAt: EpochMs;
}

export const offerSettingName = 'offer';

export function readOffer(settings: SettingReads): OfferSetting {
  return (settings.get(offerSettingName) as OfferSetting | undefined) ?? { schema: 1, highestSequence: 0 };
}

/** What selection may use of it at a moment. */
export function offerInput(setting: OfferSetting, referenceTime: EpochMs): OfferInput {
  if (setting.absent !== undefined) return { kind: 'absent', why: setting.absent.why };
  if (setting.held === undefined) return { kind: 'absent', why: 'missing' };
  const { offer } = setting.held;
  return Date.parse(offer.expiresAt) > referenceTime
    ? { kind: 'offer', offer }
    : { kind: 'absent', why: 'expired' };
}
