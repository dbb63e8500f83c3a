import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../ports/clock.ts';
import { CloudError } from '../../ports/cloud-error.ts';
import {
  type CeremonyStage,
  type HeldKey,
  type KeyRing,
  type KeyRole,
  offlineRoles,
} from '../../ports/key-ring.ts';
import type { Keys, Signer } from '../../ports/keys.ts';
import type { Sealing } from '../../ports/sealing.ts';
import { StorageError } from '../storage-error.ts';
import { CeremonyNote } from './ceremony-note.ts';
import { createFileDurably } from './create-file.ts';
import { dropQuietly, sweepTemporaries } from './durable-file.ts';
import { makeFolderDurably } from './durable-folder.ts';
import { isMissing } from './file-errors.ts';
import { badKeyFile, type OnlineKey, readKeyFile } from './key-file.ts';
import { onDisk } from './on-disk.ts';
import { openKey, type SealCost, sealKey } from './sealed-key.ts';

export interface FileKeyRingOptions {
  readonly onlineFolder: string;
  /** Where offline keys are looked for, the first that exists being where new ones go. Removable media, mostly. */
  readonly offlineFolders: readonly string[];
  /** The passphrase of an offline key by its name; undefined when none was given. */
  readonly passphrase: (name: string) => Promise<string | undefined>;
  readonly keys: Keys;
  /** Makes seal keys. */
  readonly sealing: Pick<Sealing, 'generate' | 'publicKeyOf'>;
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
    const { clock, onlineFolder } = this.#options;
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
        const { secret, publicKey } = this.#newKey(role);
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

  async sealSecret(publicKey: string): Promise<Uint8Array | undefined> {
    const key = (await this.list()).find((held) => held.role === 'seal' && held.publicKey === publicKey);
    if (key === undefined) return undefined;
    const content = await readKeyFile(key.place);
    if (!('secret' in content)) throw badKeyFile(key.place, 'seal keys are not under a passphrase');
    const secret = Buffer.from(content.secret, 'base64');
    if (this.#sealKeyOf(secret, key.place) !== publicKey) {
      throw badKeyFile(key.place, 'its public key is not that of its private key');
    }
    return secret;
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

  #newKey(role: KeyRole): { readonly secret: Uint8Array; readonly publicKey: string } {
    const { keys, sealing } = this.#options;
    if (role === 'seal') {
      const secret = sealing.generate();
      return { secret, publicKey: sealing.publicKeyOf(secret) };
    }
    const secret = keys.generate();
    return { secret, publicKey: keys.open(secret).publicKey };
  }

  #sealKeyOf(secret: Uint8Array, place: string): string {
    try {
      return this.#options.sealing.publicKeyOf(secret);
    } catch (cause) {
      throw badKeyFile(place, 'it holds no X25519 key', cause);
    }
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
