import assert from 'node:assert/strict';
import type { Receipt } from '@sallyport/core/domain/exchange/exchange';
import type { ServiceInfo } from '@sallyport/core/domain/updates/package';
import { type Digest, digest, productId } from '@sallyport/core/shared/ids';
import { canonicalJson } from '@sallyport/core/wire/canonical-json';
import { parseEnvelope } from '@sallyport/core/wire/dsse';
import { decodeBase64 } from '@sallyport/core/wire/base64';
import { receiptFormat } from '@sallyport/core/wire/receipt';
import { sealedFormat, sealedInfo } from '@sallyport/core/wire/sealed';
import { payloadTypes, signDocument, verifiedPayload } from '@sallyport/core/wire/signed-document';
import { nodeDigests } from '../../../compute/digest.ts';
import { nodeKeys } from '../../../compute/ed25519.ts';
import { HpkeSealing } from '../../../compute/hpke-sealing.ts';
import { checkSignature } from '../../../compute/signature-check.ts';
import type { VendorExchange } from '../../../ports/vendor-exchange.ts';

export const sealing = new HpkeSealing();
export type Answer = Awaited<ReturnType<VendorExchange['exchange']>>;

/**
 * A cloud as its promise says: it opens what is sealed to it, believes what the hierarchy signed, keeps each report once
 * and gives a receipt for it. `fault` makes an answer of the real one.
 */
export class UsageVendor implements VendorExchange {
  readonly name = 'a cloud';
  readonly secret = sealing.generate();
  readonly offer = nodeKeys.open(nodeKeys.generate());
  readonly operating = nodeKeys.open(nodeKeys.generate());
  readonly service: ServiceInfo = {
    schema: 1,
    vendor: 'test',
    products: [productId('hello')],
    offerKeys: [this.offer.publicKey],
    sealKeys: [sealing.publicKeyOf(this.secret)],
  };
  /** How often each report came, by its digest. */
  readonly stored = new Map<string, number>();
  readonly payloads = new Map<string, Uint8Array>();
  messages = 0;
  fault: (answer: Answer) => Answer = (answer) => answer;

  enrol(): Promise<void> {
    return Promise.resolve();
  }

  async exchange(envelopes: readonly Uint8Array[]): Promise<Answer> {
    this.messages += 1;
    const receipts: Uint8Array[] = [];
    for (const bytes of envelopes) {
      const payload = await this.#opened(bytes);
      const sha256 = digest(nodeDigests.of('sha256', payload));
      this.payloads.set(sha256, payload);
      this.stored.set(sha256, (this.stored.get(sha256) ?? 0) + 1);
      receipts.push(this.receipt(sha256));
    }
    return this.fault({ envelopes: receipts, refused: [] });
  }

  receipt(payloadSha256: Digest, signer = this.offer): Uint8Array {
    const receipt: Receipt = {
      schema: 1,
      hierarchyId: 'a'.repeat(64) as Receipt['hierarchyId'],
      payloadSha256,
      acceptedAt: '2026-11-24T00:00:00Z',
    };
    return canonicalJson(signDocument(payloadTypes.receipt, receiptFormat.print(receipt), signer));
  }

  async #opened(bytes: Uint8Array): Promise<Uint8Array> {
    const { key, ciphertext } = sealedFormat.parse(bytes);
    const inside = await sealing.open(this.secret, sealedInfo, {
      key: decodeBase64(key) ?? assert.fail(),
      ciphertext: decodeBase64(ciphertext) ?? assert.fail(),
    });
    const { payloadType } = parseEnvelope(inside, { maxBytes: 1e8 });
    const expected = { payloadType, publicKey: this.operating.publicKey };
    assert.equal(payloadType, payloadTypes.usageReport);
    return (
      verifiedPayload(JSON.parse(Buffer.from(inside).toString()), expected, checkSignature) ?? assert.fail()
    );
  }
}
