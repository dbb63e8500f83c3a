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
export const parseMetadata: MetadataParser = (kind, bytes) => {
  const envelope = objectOf(kind, 'the document', readJson(kind, bytes));
  const signed = objectOf(kind, '"signed"', envelope['signed']);
  const type = textOf(kind, '"_type"', signed['_type']);
  if (type !== kind) {
    throw new TrustError(
      'WRONG_TYPE',
      `${kind} metadata was expected, but the file says it is ${type}: the repository serves it under a wrong name`,
      {
        role: kind,
        type,
      },
    );
  }
  const document: SignedDocument = {
    bytes,
    signedBytes: canonicalJson(signed),
    signatures: readSignatures(kind, envelope['signatures']),
    signed: readers[kind](signed),
  };
  // `readers` is keyed by the same names as the union: the reader of a kind makes that kind.
  return document as DocumentOf<typeof kind>;
};

const readers = { root: readRoot, snapshot: readSnapshot, targets: readTargets, timestamp: readTimestamp };

function readJson(kind: string, bytes: Uint8Array): JsonValue {
  try {
    return parseJson(bytes, { maxBytes: bytes.length, maxDepth });
  } catch (cause) {
    if (cause instanceof JsonError) {
      throw new TrustError(
        'MALFORMED',
        `${kind} metadata cannot be read: ${cause.message}`,
        { role: kind },
        { cause },
      );
    }
    throw cause;
  }
}

/** A key id may occur once (TUF 4.2.1). Text that is no signature counts as one that fits nothing. */
function readSignatures(kind: string, value: JsonValue | undefined): ReadonlyMap<KeyId, Uint8Array> {
  const signatures = new Map<KeyId, Uint8Array>();
  for (const item of arrayOf(kind, '"signatures"', value)) {
    const signature = objectOf(kind, 'a signature', item);
    const keyId = textOf(kind, 'the "keyid" of a signature', signature['keyid']);
    if (signatures.has(keyId)) {
      throw malformed(kind, `it has two signatures of key ${keyId}`);
    }
    signatures.set(
      keyId,
      decodeHex(textOf(kind, 'the "sig" of a signature', signature['sig'])) ?? new Uint8Array(),
    );
  }
  return signatures;
}
