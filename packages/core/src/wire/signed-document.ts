import type { EnvelopeJson } from '../domain/sites/joining.ts';
import type { SignatureCheck, TrustKey } from '../domain/trust/key.ts';
import { encodeBase64 } from './base64.ts';
import { canonicalJson } from './canonical-json.ts';
import { type DsseEnvelope, paeBytes, parseEnvelope, verifyEnvelope } from './dsse.ts';

export type { EnvelopeJson } from '../domain/sites/joining.ts';

/** What envelopes of a hierarchy carry; the type is signed with the payload, so none can pass for another. */
export const payloadTypes = {
  operatingKey: 'application/vnd.sallyport.operating-key+json',
  roster: 'application/vnd.sallyport.roster+json',
  order: 'application/vnd.sallyport.order+json',
  facts: 'application/vnd.sallyport.facts+json',
  offer: 'application/vnd.sallyport.offer+json',
  receipt: 'application/vnd.sallyport.receipt+json',
  usageReport: 'application/vnd.sallyport.usage-report+json',
  enrolment: 'application/vnd.sallyport.enrolment+json',
  mediumRequest: 'application/vnd.sallyport.medium-request+json',
} as const;

/** Whoever can sign: an Ed25519 key, named by its raw public key in hexadecimal. */
export interface DocumentSigner {
  readonly publicKey: string;
  sign(message: Uint8Array): Uint8Array;
}

/** An order with every warning of the largest hierarchy there may be fits; nothing else comes near. */
const envelopeMaxBytes = 24 * 1024 * 1024;

/** Signs a printed document. The same document and key give the same envelope. */
export function signDocument(payloadType: string, payload: Uint8Array, signer: DocumentSigner): EnvelopeJson {
  const signature = signer.sign(paeBytes(payloadType, payload));
  return {
    payloadType,
    payload: encodeBase64(payload),
    signatures: [{ keyid: signer.publicKey, sig: encodeBase64(signature) }],
  };
}

/**
 * Reads an envelope that came as JSON. Nothing in it is believed yet.
 *
 * @throws {TrustError} MALFORMED, TOO_LARGE
 */
export function envelopeOf(json: unknown): DsseEnvelope {
  return parseEnvelope(canonicalJson(json), { maxBytes: envelopeMaxBytes });
}

/**
 * The payload of an envelope that one key signed as a document of one type.
 *
 * @param publicKey raw Ed25519 public key, in hexadecimal
 * @throws {TrustError} MALFORMED, BAD_SIGNATURE, BELOW_THRESHOLD
 */
export function verifiedPayload(
  json: unknown,
  expected: { readonly payloadType: string; readonly publicKey: string },
  check: SignatureCheck,
): Uint8Array | undefined {
  const envelope = envelopeOf(json);
  const key: TrustKey = { keyType: 'ed25519', scheme: 'ed25519', publicValue: expected.publicKey };
  const { payload } = verifyEnvelope(envelope, new Map([[expected.publicKey, key]]), 1, check);
  return envelope.payloadType === expected.payloadType ? payload : undefined;
}
