import { constants, createPublicKey, type KeyObject, verify } from 'node:crypto';
import type { SignatureCheck, TrustKey } from '@sallyport/core/domain/trust/key';

/** DER of SubjectPublicKeyInfo for Ed25519 (RFC 8410), up to the 32 bytes of the key itself. */
const ed25519SpkiPrefix = Buffer.from('302a300506032b6570032100', 'hex');

const curves: Readonly<Record<string, { readonly curve: string; readonly digest: string }>> = {
  'ecdsa-sha2-nistp256': { curve: 'prime256v1', digest: 'sha256' },
  'ecdsa-sha2-nistp384': { curve: 'secp384r1', digest: 'sha384' },
};

/**
 * Checks Ed25519, ECDSA on P-256 and P-384 (DER signatures) and RSA-PSS with SHA-256, by node:crypto.
 * Anything else, and anything that is no key or no signature, is simply not a valid signature.
 */
export const checkSignature: SignatureCheck = (key, signature, message) => {
  try {
    return check(key, signature, message);
  } catch {
    // node:crypto throws for bytes that are no key or no signature: the answer is the same as for a wrong one.
    return false;
  }
};

function check(key: TrustKey, signature: Uint8Array, message: Uint8Array): boolean {
  if (key.keyType === 'ed25519' && key.scheme === 'ed25519') {
    return verify(null, message, ed25519Key(key.publicValue), signature);
  }
  if (key.keyType === 'rsa' && key.scheme === 'rsassa-pss-sha256') {
    const publicKey = pemKey(key.publicValue, 'rsa');
    const padding = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_AUTO };
    return verify('sha256', message, { key: publicKey, ...padding }, signature);
  }
  const ecdsa = Object.hasOwn(curves, key.scheme) ? curves[key.scheme] : undefined;
  if (ecdsa !== undefined && (key.keyType === 'ecdsa' || key.keyType === key.scheme)) {
    const publicKey = pemKey(key.publicValue, 'ec');
    if (publicKey.asymmetricKeyDetails?.namedCurve !== ecdsa.curve) {
      return false;
    }
    return verify(ecdsa.digest, message, { key: publicKey, dsaEncoding: 'der' }, signature);
  }
  return false;
}

function ed25519Key(publicValue: string): KeyObject {
  if (publicValue.startsWith('-----')) {
    return pemKey(publicValue, 'ed25519');
  }
  if (!/^[0-9a-fA-F]{64}$/.test(publicValue)) {
    throw new TypeError('an Ed25519 public key is 64 hexadecimal digits');
  }
  const der = Buffer.concat([ed25519SpkiPrefix, Buffer.from(publicValue, 'hex')]);
  return createPublicKey({ key: der, format: 'der', type: 'spki' });
}

/** A PEM that holds another kind of key than the metadata says is refused: its signatures mean something else. */
function pemKey(pem: string, expectedType: string): KeyObject {
  const key = createPublicKey({ key: pem, format: 'pem' });
  if (key.asymmetricKeyType !== expectedType) {
    throw new TypeError(`not a key of type ${expectedType}`);
  }
  return key;
}
