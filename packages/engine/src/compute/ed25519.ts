import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
} from 'node:crypto';
import { messageOf } from '@sallyport/core/shared/errors';
import { KeyError } from '../ports/key-error.ts';
import type { Keys, Signer } from '../ports/keys.ts';

/** Bytes of SubjectPublicKeyInfo for Ed25519 (RFC 8410) before the 32 bytes of the key itself. */
const spkiPrefixBytes = 12;

/** Ed25519 keys by node:crypto. */
export const nodeKeys: Keys = {
  generate: () => generateKeyPairSync('ed25519').privateKey.export({ format: 'der', type: 'pkcs8' }),
  open: (secret) => signerOf(parseSecret(secret)),
  seal: (secret, passphrase) =>
    parseSecret(secret).export({ format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase }) as string,
  unseal: (pem, passphrase) => unsealed(pem, passphrase).export({ format: 'der', type: 'pkcs8' }),
  mac: (secret, message) => createHmac('sha256', secret).update(message).digest('hex'),
};

function signerOf(key: KeyObject): Signer {
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' });
  return {
    publicKey: spki.subarray(spkiPrefixBytes).toString('hex'),
    sign: (message) => sign(null, message, key),
  };
}

function parseSecret(secret: Uint8Array): KeyObject {
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: Buffer.from(secret), format: 'der', type: 'pkcs8' });
  } catch (cause) {
    throw new KeyError(
      'NOT_A_KEY',
      `a stored private key cannot be read: ${messageOf(cause)}`,
      {},
      { cause },
    );
  }
  return requireEd25519(key);
}

function unsealed(pem: string, passphrase: string): KeyObject {
  if (!pem.includes('PRIVATE KEY-----')) {
    throw new KeyError(
      'NOT_A_KEY',
      'the file holds no private key in PEM form: give the recovery key file that was written when the hierarchy was made',
    );
  }
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: pem, format: 'pem', passphrase });
  } catch (cause) {
    throw new KeyError(
      'WRONG_PASSPHRASE',
      'the passphrase does not open the key file, or the file is damaged',
      {},
      { cause },
    );
  }
  return requireEd25519(key);
}

function requireEd25519(key: KeyObject): KeyObject {
  if (key.asymmetricKeyType !== 'ed25519') {
    throw new KeyError(
      'NOT_A_KEY',
      `the private key is of type ${key.asymmetricKeyType ?? 'unknown'}, not Ed25519: it was not made here`,
    );
  }
  return key;
}
