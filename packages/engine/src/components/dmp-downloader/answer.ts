import type { Receipt } from '@sallyport/core/domain/exchange/exchange';
import type { SignatureCheck, TrustKey } from '@sallyport/core/domain/trust/key';
import type { ServiceInfo } from '@sallyport/core/domain/updates/package';
import { messageOf } from '@sallyport/core/shared/errors';
import { digest } from '@sallyport/core/shared/ids';
import { parseEnvelope, verifyEnvelope } from '@sallyport/core/wire/dsse';
import { parseOffer } from '@sallyport/core/wire/offer';
import { parseReceipt } from '@sallyport/core/wire/receipt';
import { payloadTypes } from '@sallyport/core/wire/signed-document';
import type { Digests } from '../../ports/digests.ts';
import type { ReceivedOffer } from './offer-judgement.ts';

/** What a cloud's answer says, as far as its signatures are good. */
export interface VerifiedAnswer {
  readonly receipts: readonly Receipt[];
  /** The one of the highest sequence. */
  readonly offer?: ReceivedOffer;
  /** Why the others were not believed or understood. */
  readonly problems: readonly string[];
}

/** Envelopes of one answer: more is not read. */
const envelopesMax = 64;
const envelopeMaxBytes = 4 * 1024 * 1024;

/**
 * Reads the envelopes of an answer, each alone: one that is forged, damaged or of an unknown type takes nothing
 * from the others. Only keys that the trusted `service.json` names count.
 */
export function readAnswer(
  envelopes: readonly Uint8Array[],
  service: ServiceInfo,
  tools: { readonly check: SignatureCheck; readonly digests: Digests },
): VerifiedAnswer {
  const keys = new Map<string, TrustKey>(
    service.offerKeys.map((key) => [key, { keyType: 'ed25519', scheme: 'ed25519', publicValue: key }]),
  );
  const receipts: Receipt[] = [];
  const offers: ReceivedOffer[] = [];
  const problems: string[] =
    envelopes.length > envelopesMax
      ? [`only ${envelopesMax} of ${envelopes.length} envelopes were read`]
      : [];
  for (const bytes of envelopes.slice(0, envelopesMax)) {
    try {
      const { payloadType, payload } = verifyEnvelope(
        parseEnvelope(bytes, { maxBytes: envelopeMaxBytes }),
        keys,
        1,
        tools.check,
      );
      if (payloadType === payloadTypes.receipt) {
        receipts.push(parseReceipt(payload));
      } else if (payloadType === payloadTypes.offer) {
        offers.push({
          offer: parseOffer(payload),
          payloadSha256: digest(tools.digests.of('sha256', payload)),
        });
      }
    } catch (error) {
      problems.push(messageOf(error));
    }
  }
  const offer = offers.toSorted((a, b) => b.offer.sequence - a.offer.sequence)[0];
  return { receipts, ...(offer === undefined ? {} : { offer }), problems };
}
