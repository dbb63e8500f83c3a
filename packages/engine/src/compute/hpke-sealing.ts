import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from '@hpke/core';
import { type SealedBytes, type Sealing, SealingError } from '../ports/sealing.ts';

/** Of an X25519 key in PKCS#8 DER: what stands before its 32 bytes (RFC 8410). */
const rawKeyBytes = 32;

/** Sealing by the HPKE library, on the Web Cryptography that Node.js brings. */
export class HpkeSealing implements Sealing {
  readonly #suite = new CipherSuite({
    kem: new DhkemX25519HkdfSha256(),
    kdf: new HkdfSha256(),
    aead: new Aes256Gcm(),
  });

  generate(): Uint8Array {
    return generateKeyPairSync('x25519').privateKey.export({ format: 'der', type: 'pkcs8' });
  }

  publicKeyOf(secret: Uint8Array): string {
    const publicKey = createPublicKey(privateKeyOf(secret)).export({ format: 'der', type: 'spki' });
    return publicKey.subarray(-rawKeyBytes).toString('hex');
  }

  async seal(to: string, info: string, plaintext: Uint8Array): Promise<SealedBytes> {
    let recipientPublicKey;
    try {
      recipientPublicKey = await this.#suite.kem.deserializePublicKey(bufferOf(Buffer.from(to, 'hex')));
    } catch (cause) {
      throw new SealingError(
        'NOT_A_KEY',
        `"${to.slice(0, 80)}" is no X25519 public key: 64 hexadecimal digits name one`,
        {},
        { cause },
      );
    }
    const sender = await this.#suite.createSenderContext({ recipientPublicKey, info: infoBytes(info) });
    const ciphertext = await sender.seal(bufferOf(plaintext));
    return { key: new Uint8Array(sender.enc), ciphertext: new Uint8Array(ciphertext) };
  }

  async open(secret: Uint8Array, info: string, { key, ciphertext }: SealedBytes): Promise<Uint8Array> {
    const raw = privateKeyOf(secret).export({ format: 'der', type: 'pkcs8' }).subarray(-rawKeyBytes);
    const recipientKey = await this.#suite.kem.deserializePrivateKey(bufferOf(raw));
    try {
      const recipient = await this.#suite.createRecipientContext({
        recipientKey,
        enc: bufferOf(key),
        info: infoBytes(info),
      });
      return new Uint8Array(await recipient.open(bufferOf(ciphertext)));
    } catch (cause) {
      throw new SealingError(
        'NOT_OPENED',
        'what was sealed cannot be opened: it was sealed to another key, or altered on the way',
        {},
        { cause },
      );
    }
  }
}

function privateKeyOf(secret: Uint8Array): KeyObject {
  try {
    const key = createPrivateKey({ key: Buffer.from(secret), format: 'der', type: 'pkcs8' });
    if (key.asymmetricKeyType === 'x25519') return key;
  } catch (cause) {
    throw new SealingError('NOT_A_KEY', 'that is no private key in PKCS#8 DER', {}, { cause });
  }
  throw new SealingError('NOT_A_KEY', 'that is a private key of another kind than X25519', {});
}

function infoBytes(info: string): ArrayBuffer {
  return bufferOf(new TextEncoder().encode(info));
}

/** The library takes whole buffers, and a view may be a part of one. */
function bufferOf(bytes: Uint8Array): ArrayBuffer {
  return Uint8Array.from(bytes).buffer;
}
