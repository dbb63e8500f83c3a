import { createHash, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto';
import { canonicalJson } from '../../../wire/canonical-json.ts';
import { decodeHex } from '../../../wire/hex.ts';
import type { DigestOf, SignatureCheck, TrustKey } from '../key.ts';

/** A throw-away Ed25519 key that signs for a role in tests. */
export class TestSigner {
  readonly keyId: string;
  /** As metadata lists it. */
  readonly keyJson: {
    readonly keytype: string;
    readonly scheme: string;
    readonly keyval: { readonly public: string };
  };
  readonly #privateKey: KeyObject;

  constructor() {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    this.#privateKey = privateKey;
    const publicHex = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32).toString('hex');
    this.keyJson = { keytype: 'ed25519', scheme: 'ed25519', keyval: { public: publicHex } };
    this.keyId = createHash('sha256').update(canonicalJson(this.keyJson)).digest('hex');
  }

  get key(): TrustKey {
    return { keyType: 'ed25519', scheme: 'ed25519', publicValue: this.keyJson.keyval.public };
  }

  sign(message: Uint8Array): Uint8Array {
    return sign(null, message, this.#privateKey);
  }
}

/** `SignatureCheck` for the keys that `TestSigner` makes. */
export const checkTestSignature: SignatureCheck = (key, signature, message) => {
  const x = Buffer.from(decodeHex(key.publicValue) ?? []).toString('base64url');
  return verify(null, message, { key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' }, signature);
};

export const testDigestOf: DigestOf = (algorithm, bytes) => createHash(algorithm).update(bytes).digest('hex');
