import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../ports/clock.ts';
import { CloudError } from '../../ports/cloud-error.ts';
import {
  type CeremonyStage,
  type HeldKey,
  type KeyRing,
  type KeyRole,
  offlineRoles,
  onlineRoles,
} from '../../ports/key-ring.ts';
import type { Keys, Signer } from '../../ports/keys.ts';
import { StorageError } from '../storage-error.ts';
import { CeremonyNote } from './ceremony-note.ts';
import { createFileDurably } from './create-file.ts';
import { dropQuietly, sweepTemporaries } from './durable-file.ts';
import { makeFolderDurably } from './durable-folder.ts';
import { isMissing } from './file-errors.ts';
import { onDisk } from './on-disk.ts';
import { openKey, type SealCost, type SealedKey, sealKey } from './sealed-key.ts';

/** A key file is small; a large one is not ours. */
const fileMaxBytes = 64 * 1024;

/** An online key as its file holds it: readable by its owner alone, because the service signs by itself. */
interface OnlineKey {
  readonly schema: 1;
  readonly name: string;
  readonly role: string;
  readonly publicKey: string;
  readonly createdAt: string;
  /** PKCS#8 DER, base64. */
  readonly secret: string;
}

export interface FileKeyRingOptions {
  readonly onlineFolder: string;
  /** Where offline keys are looked for, the first that exists being where new ones go. Removable media, mostly. */
  readonly offlineFolders: readonly string[];
  /** The passphrase of an offline key by its name; undefined when none was given. */
  readonly passphrase: (name: string) => Promise<string | undefined>;
  readonly keys: Keys;
  readonly clock: Clock;
  readonly cost?: SealCost;
}

/** Keys as one file each: `<role>-<number>.json`. */
export class FileKeyRing implements KeyRing {
  readonly #options: FileKeyRingOptions;
  readonly #note: CeremonyNote;

  constructor(options: FileKeyRingOptions) {
    this.#options = options;
    this.#note = new CeremonyNote(options.onlineFolder);
  }

  get places(): readonly string[] {
    return this.#options.offlineFolders;
  }

  async create(role: KeyRole, count: number): Promise<readonly string[]> {
    const { keys, clock, onlineFolder } = this.#options;
    const offline = isOffline(role);
    const folder = offline ? await this.#newKeysFolder() : onlineFolder;
    await makeFolderDurably(folder, 0o700);
    const taken = (await this.list())
      .filter((key) => key.role === role)
      .map((key) => Number(key.name.split('-').at(-1)));
    await sweepTemporaries(folder, `${role}-`);
    const made: { readonly publicKey: string; readonly path: string }[] = [];
    try {
      for (let index = 1; index <= count; index += 1) {
        const secret = keys.generate();
        const { publicKey } = keys.open(secret);
        const name = `${role}-${Math.max(0, ...taken) + index}`;
        const header = { name, role, publicKey, createdAt: new Date(clock.now()).toISOString() };
        const content = offline
          ? await sealKey(header, secret, await this.#passphraseOf(name, folder), this.#options.cost)
          : ({ schema: 1, ...header, secret: Buffer.from(secret).toString('base64') } satisfies OnlineKey);
        const path = join(folder, `${name}.json`);
        await createKeyFile(path, `${JSON.stringify(content, undefined, 2)}\n`);
        made.push({ publicKey, path });
      }
    } catch (failure) {
      // Some of the keys are of no use, and every attempt would leave more of them.
      for (const { path } of made) await dropQuietly(path);
      throw failure;
    }
    return made.map(({ publicKey }) => publicKey);
  }

  async signers(publicKeys: readonly string[]): Promise<readonly Signer[]> {
    const held = await this.list();
    const signers: Signer[] = [];
    for (const publicKey of publicKeys) {
      const key = held.find((candidate) => candidate.publicKey === publicKey);
      if (key !== undefined) {
        signers.push(await this.#open(key));
      }
    }
    return signers;
  }

  async list(): Promise<readonly HeldKey[]> {
    const { onlineFolder, offlineFolders } = this.#options;
    const found: HeldKey[] = [];
    for (const folder of [onlineFolder, ...offlineFolders]) {
      for (const file of await jsonFilesIn(folder)) {
        const place = join(folder, file);
        const { name, role, publicKey } = await readKeyFile(place);
        found.push({ name, role: role as KeyRole, publicKey, offline: folder !== onlineFolder, place });
      }
    }
    return found;
  }

  async forget(publicKey: string): Promise<void> {
    for (const key of await this.list()) {
      if (key.publicKey === publicKey && !key.offline) {
        await onDisk(key.place, () => rm(key.place, { force: true }));
      }
    }
  }

  ceremony(): Promise<CeremonyStage | undefined> {
    return this.#note.read();
  }

  async noteCeremony(stage: CeremonyStage | undefined): Promise<void> {
    await (stage === undefined ? this.#note.remove() : this.#note.write(stage));
  }

  async #open(held: HeldKey): Promise<Signer> {
    const content = await readKeyFile(held.place);
    const secret =
      'secret' in content
        ? Buffer.from(content.secret, 'base64')
        : await openKey(content, await this.#passphraseOf(held.name, held.place), held.place);
    const signer = this.#options.keys.open(secret);
    if (signer.publicKey !== held.publicKey) {
      throw badKeyFile(held.place, 'its public key is not that of its private key');
    }
    return signer;
  }

  async #passphraseOf(name: string, place: string): Promise<string> {
    const passphrase = await this.#options.passphrase(name);
    if (passphrase === undefined || passphrase === '') {
      throw new CloudError(
        'KEYS_MISSING',
        `the offline key ${name} (${place}) needs a passphrase, and none was given: use --passphrase-file or the environment variable SALLYPORT_PASSPHRASE`,
        { name, place },
      );
    }
    return passphrase;
  }

  async #newKeysFolder(): Promise<string> {
    const { offlineFolders } = this.#options;
    for (const folder of offlineFolders) {
      if (await exists(folder)) {
        return folder;
      }
    }
    const [first] = offlineFolders;
    if (first === undefined) {
      throw new CloudError('BAD_REQUEST', 'no folder for offline keys was named: use --offline-keys');
    }
    return first;
  }
}

function isOffline(role: KeyRole): boolean {
  return (offlineRoles as readonly KeyRole[]).includes(role);
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (isMissing(error)) {
      return false;
    }
    throw error;
  }
}

async function jsonFilesIn(folder: string): Promise<readonly string[]> {
  try {
    const names = await readdir(folder);
    return names.filter((name) => /^[a-z]+-\d+\.json$/.test(name)).toSorted();
  } catch (error) {
    if (isMissing(error)) {
      return [];
    }
    throw error;
  }
}

async function readKeyFile(place: string): Promise<OnlineKey | SealedKey> {
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

function badKeyFile(place: string, why: string, cause?: unknown): CloudError {
  return new CloudError(
    'BAD_KEY_FILE',
    `${place} is no key file of ours: ${why}. Restore it from a copy`,
    { place },
    { cause },
  );
}

/** Never readable by others, not even while it is written; never over a key that is there. */
async function createKeyFile(path: string, text: string): Promise<void> {
  try {
    await createFileDurably(path, new TextEncoder().encode(text));
  } catch (cause) {
    if (cause instanceof StorageError && cause.code === 'EXISTS') {
      throw new CloudError(
        'ALREADY_THERE',
        `${path} is there already: move it away first`,
        { place: path },
        { cause },
      );
    }
    throw cause;
  }
}
