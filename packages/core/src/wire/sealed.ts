import { Type, type Static } from 'typebox';
import { mebibytes } from '../shared/units.ts';
import { encodeBase64 } from './base64.ts';
import { type DocumentFormat, documentFormat } from './document-format.ts';
import { base64Field, closed, publicKeyField } from './fields.ts';

const schema = Type.Object(
  {
    sealed: Type.Literal(1),
    /** Raw X25519 public key, hexadecimal, of whoever can open it. */
    to: publicKeyField,
    /** The encapsulated key of HPKE (RFC 9180): 32 bytes. */
    key: base64Field,
    ciphertext: base64Field,
  },
  closed,
);

/** Bytes that only one party can open: HPKE base mode, X25519, HKDF-SHA256, AES-256-GCM. */
export type Sealed = Readonly<Static<typeof schema>>;

export const sealedFormat: DocumentFormat<Sealed> = documentFormat({
  name: 'sealed envelope',
  schema,
  maxBytes: mebibytes(16),
});

/** What HPKE binds every sealed envelope to (`info`). */
export const sealedInfo = 'sallyport sealed envelope 1';

/** What an encryption gave, as bytes to send. */
export function printSealed(to: string, key: Uint8Array, ciphertext: Uint8Array): Uint8Array {
  return sealedFormat.print({ sealed: 1, to, key: encodeBase64(key), ciphertext: encodeBase64(ciphertext) });
}

/** As far as `looksSealed` looks, from either end. */
const endBytes = 4096;

/**
 * Whether bytes from outside look like a sealed envelope rather than a signed one; `sealedFormat.parse` judges them.
 * In canonical form the word stands behind the ciphertext, which may be long: both ends are looked at.
 */
export function looksSealed(bytes: Uint8Array): boolean {
  return [bytes.subarray(0, endBytes), bytes.subarray(-endBytes)].some((end) =>
    new TextDecoder('latin1').decode(end).includes('"sealed"'),
  );
}
