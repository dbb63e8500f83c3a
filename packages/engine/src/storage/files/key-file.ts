import { readFile } from 'node:fs/promises';
import { CloudError } from '../../ports/cloud-error.ts';
import { offlineRoles, onlineRoles } from '../../ports/key-ring.ts';
import type { SealedKey } from './sealed-key.ts';

/** A key file is small; a large one is not ours. */
const fileMaxBytes = 64 * 1024;

/** An online key as its file holds it: readable by its owner alone, because the service signs by itself. */
export interface OnlineKey {
  readonly schema: 1;
  readonly name: string;
  readonly role: string;
  readonly publicKey: string;
  readonly createdAt: string;
  /** PKCS#8 DER, base64. */
  readonly secret: string;
}

/** @throws {CloudError} BAD_KEY_FILE */
export async function readKeyFile(place: string): Promise<OnlineKey | SealedKey> {
  const text = await readFile(place, 'utf8');
  let value: unknown;
  try {
    value = text.length > fileMaxBytes ? undefined : JSON.parse(text);
  } catch (cause) {
    throw badKeyFile(place, 'it is not JSON', cause);
  }
  if (!isKeyFile(value)) {
    throw badKeyFile(place, 'fields are missing');
  }
  return value;
}

const hex64 = /^[0-9a-f]{64}$/;

function isKeyFile(value: unknown): value is OnlineKey | SealedKey {
  if (!isRecord(value) || value['schema'] !== 1) {
    return false;
  }
  const roles: readonly unknown[] = [...offlineRoles, ...onlineRoles];
  const named =
    typeof value['name'] === 'string' &&
    roles.includes(value['role']) &&
    typeof value['createdAt'] === 'string' &&
    typeof value['publicKey'] === 'string' &&
    hex64.test(value['publicKey']);
  return named && (typeof value['secret'] === 'string' || isSeal(value));
}

function isSeal(value: Readonly<Record<string, unknown>>): boolean {
  const { kdf, cipher, sealed } = value;
  return (
    typeof sealed === 'string' &&
    isRecord(kdf) &&
    kdf['name'] === 'argon2id' &&
    [kdf['memoryKib'], kdf['passes'], kdf['parallelism']].every(Number.isSafeInteger) &&
    typeof kdf['salt'] === 'string' &&
    isRecord(cipher) &&
    cipher['name'] === 'aes-256-gcm' &&
    typeof cipher['nonce'] === 'string'
  );
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function badKeyFile(place: string, why: string, cause?: unknown): CloudError {
  return new CloudError(
    'BAD_KEY_FILE',
    `${place} is no key file of ours: ${why}. Restore it from a copy`,
    { place },
    { cause },
  );
}
