import { argon2, createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { CloudError } from '../../ports/cloud-error.ts';

/** What a key file says of itself; all of it is authenticated by the seal. */
export interface SealedKeyHeader {
  readonly name: string;
  readonly role: string;
  /** Raw Ed25519 public key, hexadecimal. */
  readonly publicKey: string;
  readonly createdAt: string;
}

/** A private key that only its passphrase opens: Argon2id makes the key of AES-256-GCM. */
export interface SealedKey extends SealedKeyHeader {
  readonly schema: 1;
  readonly kdf: {
    readonly name: 'argon2id';
    readonly memoryKib: number;
    readonly passes: number;
    readonly parallelism: number;
    readonly salt: string;
  };
  readonly cipher: { readonly name: 'aes-256-gcm'; readonly nonce: string };
  /** Ciphertext and tag, base64. */
  readonly sealed: string;
}

export interface SealCost {
  readonly memoryKib: number;
  readonly passes: number;
}

/** About 0.2 s on a small server: little for whoever has the passphrase, much for whoever guesses. */
const defaultSealCost: SealCost = { memoryKib: 64 * 1024, passes: 3 };

/** A file that asks for more is no file of ours, and would only eat memory. */
const memoryKibMax = 1024 * 1024;
const passesMax = 64;

const deriveKey = promisify(argon2);

/** Seals a secret under a passphrase. */
export async function sealKey(
  header: SealedKeyHeader,
  secret: Uint8Array,
  passphrase: string,
  cost: SealCost = defaultSealCost,
): Promise<SealedKey> {
  const unsealed: Omit<SealedKey, 'sealed'> = {
    schema: 1,
    name: header.name,
    role: header.role,
    publicKey: header.publicKey,
    createdAt: header.createdAt,
    kdf: { name: 'argon2id', ...cost, parallelism: 1, salt: randomBytes(16).toString('base64') },
    cipher: { name: 'aes-256-gcm', nonce: randomBytes(12).toString('base64') },
  };
  const cipher = createCipheriv(
    'aes-256-gcm',
    await keyOf(unsealed, passphrase),
    Buffer.from(unsealed.cipher.nonce, 'base64'),
  );
  cipher.setAAD(headerBytes(unsealed));
  const sealed = Buffer.concat([cipher.update(secret), cipher.final(), cipher.getAuthTag()]);
  return { ...unsealed, sealed: sealed.toString('base64') };
}

/**
 * Opens a sealed key.
 *
 * @param place for the message
 * @throws {CloudError} WRONG_PASSPHRASE, BAD_KEY_FILE
 */
export async function openKey(key: SealedKey, passphrase: string, place: string): Promise<Uint8Array> {
  if (key.kdf.memoryKib > memoryKibMax || key.kdf.passes > passesMax || key.kdf.parallelism !== 1) {
    throw new CloudError(
      'BAD_KEY_FILE',
      `${place} asks for more work than any key file of ours: restore it from a copy`,
      { place },
    );
  }
  const sealed = Buffer.from(key.sealed, 'base64');
  const decipher = createDecipheriv(
    'aes-256-gcm',
    await keyOf(key, passphrase),
    Buffer.from(key.cipher.nonce, 'base64'),
  );
  decipher.setAAD(headerBytes(key));
  try {
    decipher.setAuthTag(sealed.subarray(-16));
    return Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()]);
  } catch (cause) {
    throw new CloudError(
      'WRONG_PASSPHRASE',
      `the passphrase does not open ${place}, or the file was altered: give the passphrase it was made with, or restore the file from a copy`,
      { place },
      { cause },
    );
  }
}

async function keyOf(key: Omit<SealedKey, 'sealed'>, passphrase: string): Promise<Buffer> {
  return deriveKey('argon2id', {
    // Composed and decomposed accents are the same passphrase, whatever keyboard typed it.
    message: Buffer.from(passphrase.normalize('NFC')),
    nonce: Buffer.from(key.kdf.salt, 'base64'),
    memory: key.kdf.memoryKib,
    passes: key.kdf.passes,
    parallelism: key.kdf.parallelism,
    tagLength: 32,
  });
}

/** Everything but the seal, in one fixed order. */
function headerBytes(key: Omit<SealedKey, 'sealed'>): Buffer {
  const { kdf, cipher } = key;
  return Buffer.from(
    JSON.stringify([
      key.schema,
      key.name,
      key.role,
      key.publicKey,
      key.createdAt,
      [kdf.name, kdf.memoryKib, kdf.passes, kdf.parallelism, kdf.salt],
      [cipher.name, cipher.nonce],
    ]),
  );
}
