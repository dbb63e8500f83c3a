import type { KeyId, SignatureCheck, TrustKey } from '../domain/trust/key.ts';
import { TrustError } from '../domain/trust/trust-error.ts';
import { decodeBase64, encodeBase64 } from './base64.ts';
import { isJsonObject, JsonError, type JsonObject, type JsonValue, parseJson } from './canonical-json.ts';

/** Bytes of a named type with signatures beside them (DSSE v1). */
export interface DsseEnvelope {
  readonly payloadType: string;
  readonly payload: Uint8Array;
  readonly signatures: readonly DsseSignature[];
}

export interface DsseSignature {
  /** A hint which key made it; not signed itself, may be empty. */
  readonly keyId: KeyId;
  readonly signature: Uint8Array;
}

/** More signatures than any envelope here carries: beyond it, checking them is somebody's attack. */
const signaturesMax = 32;

/**
 * What a signature covers: the type, the payload and the length of both, so that neither can be moved into the
 * other (DSSE v1, pre-authentication encoding).
 */
export function paeBytes(payloadType: string, payload: Uint8Array): Uint8Array<ArrayBuffer> {
  const encoder = new TextEncoder();
  const typeBytes = encoder.encode(payloadType);
  const head = encoder.encode(`DSSEv1 ${typeBytes.length} ${payloadType} ${payload.length} `);
  const bytes = new Uint8Array(head.length + payload.length);
  bytes.set(head);
  bytes.set(payload, head.length);
  return bytes;
}

/** The envelope as JSON. The same envelope gives the same bytes. */
export function encodeEnvelope(envelope: DsseEnvelope): Uint8Array<ArrayBuffer> {
  const json = {
    payloadType: envelope.payloadType,
    payload: encodeBase64(envelope.payload),
    signatures: envelope.signatures.map(({ keyId, signature }) => ({
      keyid: keyId,
      sig: encodeBase64(signature),
    })),
  };
  return new TextEncoder().encode(JSON.stringify(json));
}

/**
 * Reads an envelope. Nothing in it is believed yet.
 *
 * @throws {TrustError} TOO_LARGE, MALFORMED
 */
export function parseEnvelope(bytes: Uint8Array, limits: { readonly maxBytes: number }): DsseEnvelope {
  const json = parseEnvelopeJson(bytes, limits.maxBytes);
  const signatures = json['signatures'];
  if (!Array.isArray(signatures) || signatures.length === 0 || signatures.length > signaturesMax) {
    throw malformed(`"signatures" must be a list of 1 to ${signaturesMax}`);
  }
  return {
    payloadType: textField(json, 'payloadType'),
    payload: base64Field(json, 'payload'),
    signatures: signatures.map(readSignature),
  };
}

/** What an envelope says, once enough keys vouch for it. */
export interface VerifiedEnvelope {
  readonly payloadType: string;
  readonly payload: Uint8Array;
  /** The keys whose signatures are good, each once. */
  readonly signedBy: readonly KeyId[];
}

/**
 * Believes an envelope when at least `threshold` different ones of `keys` signed it. A key counts once, however
 * often it signs and under however many ids it is listed. The caller compares `payloadType` with the one it expects.
 *
 * @throws {TrustError} BAD_SIGNATURE when a listed key signed other bytes, BELOW_THRESHOLD when too few signed
 */
export function verifyEnvelope(
  envelope: DsseEnvelope,
  keys: ReadonlyMap<KeyId, TrustKey>,
  threshold: number,
  check: SignatureCheck,
): VerifiedEnvelope {
  if (!Number.isSafeInteger(threshold) || threshold < 1) {
    throw new RangeError(`a threshold must be at least 1, not ${threshold}`);
  }
  const message = paeBytes(envelope.payloadType, envelope.payload);
  const signedBy = new Map<string, KeyId>();
  let wrong = 0;
  for (const { keyId, signature } of envelope.signatures) {
    const named = keys.get(keyId);
    const candidates: Iterable<readonly [KeyId, TrustKey]> =
      named !== undefined ? [[keyId, named]] : keyId === '' ? keys : [];
    for (const [id, key] of candidates) {
      if (check(key, signature, message)) {
        signedBy.set(key.publicValue, signedBy.get(key.publicValue) ?? id);
      } else if (named !== undefined) {
        wrong += 1;
      }
    }
  }
  if (signedBy.size < threshold) {
    throw new TrustError(
      wrong > 0 ? 'BAD_SIGNATURE' : 'BELOW_THRESHOLD',
      `the envelope of type ${envelope.payloadType} is signed by ${signedBy.size} of the ${threshold} keys needed` +
        (wrong > 0
          ? `, and ${wrong} of its signatures do not fit its bytes: fetch it again, and distrust where it came from`
          : ''),
      { payloadType: envelope.payloadType, signatures: signedBy.size, threshold },
    );
  }
  return { payloadType: envelope.payloadType, payload: envelope.payload, signedBy: [...signedBy.values()] };
}

function parseEnvelopeJson(bytes: Uint8Array, maxBytes: number): JsonObject {
  let json: JsonValue;
  try {
    json = parseJson(bytes, { maxBytes, maxDepth: 8 });
  } catch (cause) {
    if (cause instanceof JsonError) {
      throw new TrustError(
        cause.code === 'TOO_LARGE' ? 'TOO_LARGE' : 'MALFORMED',
        `an envelope cannot be read: ${cause.message}`,
        cause.details,
        { cause },
      );
    }
    throw cause;
  }
  if (!isJsonObject(json)) {
    throw malformed('it is no JSON object');
  }
  return json;
}

function readSignature(value: JsonValue): DsseSignature {
  if (!isJsonObject(value)) {
    throw malformed('a signature is no JSON object');
  }
  return {
    keyId: value['keyid'] === undefined ? '' : textField(value, 'keyid'),
    signature: base64Field(value, 'sig'),
  };
}

function textField(json: JsonObject, name: string): string {
  const value = json[name];
  if (typeof value !== 'string') {
    throw malformed(`"${name}" must be text`);
  }
  return value;
}

function base64Field(json: JsonObject, name: string): Uint8Array {
  const bytes = decodeBase64(textField(json, name));
  if (bytes === undefined) {
    throw malformed(`"${name}" must be standard base64`);
  }
  return bytes;
}

function malformed(what: string): TrustError {
  return new TrustError('MALFORMED', `an envelope is malformed: ${what}; whoever made it must make it again`);
}
