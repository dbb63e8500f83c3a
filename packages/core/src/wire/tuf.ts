import type { Metadata, MetadataParser, SignedDocument } from '../domain/trust/documents.ts';
import type { KeyId } from '../domain/trust/key.ts';
import { TrustError } from '../domain/trust/trust-error.ts';
import { canonicalJson, JsonError, type JsonValue, parseJson } from './canonical-json.ts';
import { decodeHex } from './hex.ts';
import { arrayOf, malformed, objectOf, textOf } from './tuf-fields.ts';
import { readRoot, readSnapshot, readTargets, readTimestamp } from './tuf-roles.ts';

/** Deeper nesting than metadata needs; `custom` parts may nest a little. */
const maxDepth = 32;

type DocumentOf<K extends Metadata['type']> = SignedDocument<Extract<Metadata, { readonly type: K }>>;

/**
 * Reads a TUF 1.0 metadata file of the kind expected. Nothing is believed yet: the caller limits its bytes before
 * and checks its signatures after. Fields that nobody here knows are kept, and are part of what is signed.
 *
 * @throws {TrustError} MALFORMED, WRONG_TYPE
 */
export const parseMetadata: MetadataParser = (kind, bytes, role = kind) => {
  const envelope = objectOf(role, 'the document', readJson(role, bytes));
  const signed = objectOf(role, '"signed"', envelope['signed']);
  const type = textOf(role, '"_type"', signed['_type']);
  if (type !== kind) {
    throw new TrustError(
      'WRONG_TYPE',
      `${role} should be ${kind} metadata, but the file says it is ${type.slice(0, 40)}: the repository serves it under a wrong name; try another source, or tell the publisher`,
      { role, type: type.slice(0, 40) },
    );
  }
  const document: SignedDocument = {
    bytes,
    signedBytes: canonicalJson(signed),
    signatures: readSignatures(role, envelope['signatures']),
    signed: readers[kind](signed, role),
  };
  // `readers` is keyed by the same names as the union: the reader of a kind makes that kind.
  return document as DocumentOf<typeof kind>;
};

const readers = { root: readRoot, snapshot: readSnapshot, targets: readTargets, timestamp: readTimestamp };

function readJson(role: string, bytes: Uint8Array): JsonValue {
  try {
    return parseJson(bytes, { maxBytes: bytes.length, maxDepth });
  } catch (cause) {
    if (cause instanceof JsonError) {
      throw new TrustError(
        'MALFORMED',
        `${role} metadata cannot be read: ${cause.message}; fetch it again, from another source if it stays so, or tell the publisher`,
        { role },
        { cause },
      );
    }
    throw cause;
  }
}

/** A key id may occur once (TUF 4.2.1). Text that is no signature counts as one that fits nothing. */
function readSignatures(role: string, value: JsonValue | undefined): ReadonlyMap<KeyId, Uint8Array> {
  const signatures = new Map<KeyId, Uint8Array>();
  for (const item of arrayOf(role, '"signatures"', value)) {
    const signature = objectOf(role, 'a signature', item);
    const keyId = textOf(role, 'the "keyid" of a signature', signature['keyid']);
    if (signatures.has(keyId)) {
      throw malformed(role, `it has two signatures of key ${keyId}`);
    }
    signatures.set(
      keyId,
      decodeHex(textOf(role, 'the "sig" of a signature', signature['sig'])) ?? new Uint8Array(),
    );
  }
  return signatures;
}
