import { digest, type HierarchyId } from '@sallyport/core/shared/ids';
import { encodeBase64 } from '@sallyport/core/wire/base64';
import { exchangeEnvelopesMax, exchangeMessageMaxBytes } from '@sallyport/core/wire/exchange-messages';
import { mediumAnswerFormat } from '@sallyport/core/wire/medium';
import type { Digests } from '../../ports/digests.ts';
import type { VendorExchange } from '../../ports/vendor-exchange.ts';
import { type OpenRequest, partOf } from './requests.ts';

/** What the vendor answered to one hierarchy's envelopes. */
export interface SentRequest {
  readonly hierarchyId: HierarchyId;
  readonly envelopes: readonly Uint8Array[];
  readonly refused: ReturnType<typeof mediumAnswerFormat.parse>['refused'];
}

/** Of a message: base64 takes a third more, and the rest some. */
const messageBytes = Math.floor(exchangeMessageMaxBytes * 0.7);

/**
 * Sends the envelopes of a request, in their order, in as many messages as they take: never more than one message is in
 * memory. Who sends them, and what is in them, is sealed.
 *
 * @throws {ExchangeError} {MediumError} EDITED
 */
export async function sendRequest(
  opened: OpenRequest,
  vendor: VendorExchange,
  digests: Digests,
  signal: AbortSignal,
): Promise<SentRequest> {
  const answers: Uint8Array[] = [];
  const refused: SentRequest['refused'] = [];
  let batch: { readonly bytes: Uint8Array; readonly payloadSha256: string }[] = [];
  const flush = async (): Promise<void> => {
    if (batch.length === 0) return;
    const sent = batch;
    batch = [];
    const answer = await vendor.exchange(
      sent.map(({ bytes }) => bytes),
      signal,
    );
    answers.push(...answer.envelopes);
    for (const { index, code, message } of answer.refused) {
      const payloadSha256 = sent[index]?.payloadSha256;
      if (payloadSha256 !== undefined) refused.push({ payloadSha256: digest(payloadSha256), code, message });
    }
  };
  for (const { name, envelope } of opened.request.parts) {
    if (envelope === undefined) continue;
    const bytes = await partOf(opened, name, digests);
    const size = batch.reduce((sum, each) => sum + each.bytes.length, bytes.length);
    if (batch.length >= exchangeEnvelopesMax || size > messageBytes) await flush();
    batch.push({ bytes, payloadSha256: envelope.payloadSha256 });
  }
  await flush();
  return { hierarchyId: opened.request.hierarchyId, envelopes: answers, refused };
}

/** The answer as it lies on a medium. */
export function printAnswer({ envelopes, refused }: SentRequest): Uint8Array {
  return mediumAnswerFormat.print({
    schema: 1,
    envelopes: envelopes.map((bytes) => encodeBase64(bytes)),
    refused: [...refused],
  });
}
