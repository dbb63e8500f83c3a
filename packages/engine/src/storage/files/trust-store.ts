import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { encodedRole } from '@sallyport/core/domain/trust/metadata-name';
import type { EpochMs } from '@sallyport/core/shared/ids';
import type { TrustStore } from '../../ports/trust-store.ts';
import { isTemporary, writeFileDurably } from './durable-file.ts';

/** File systems take 255 bytes; the version, the ending and a temporary name need some of them. */
const encodedRoleMaxLength = 180;

/**
 * Trusted metadata as plain files: `<role>.json`, `root_history/<n>.root.json` and `time-floor`. Role names are
 * percent-encoded, so none can leave the folder.
 *
 * Folders are made on the first write. One process at a time writes here.
 */
export class FileTrustStore implements TrustStore {
  readonly #folder: string;
  readonly #history: string;
  #prepared: Promise<void> | undefined;

  constructor(folder: string) {
    this.#folder = folder;
    this.#history = join(folder, 'root_history');
  }

  load(role: string): Promise<Uint8Array | undefined> {
    return readIfThere(join(this.#folder, fileName(role)));
  }

  async save(role: string, bytes: Uint8Array): Promise<void> {
    await this.#prepare();
    await writeFileDurably(join(this.#folder, fileName(role)), bytes);
  }

  loadRoot(version: number): Promise<Uint8Array | undefined> {
    return readIfThere(join(this.#history, `${version}.root.json`));
  }

  async saveRoot(version: number, bytes: Uint8Array): Promise<void> {
    await this.#prepare();
    // The history first: after a crash in between, the root that is trusted is in it all the same.
    await writeFileDurably(join(this.#history, `${version}.root.json`), bytes);
    await this.save('root', bytes);
  }

  async timeFloor(): Promise<EpochMs> {
    const bytes = await readIfThere(join(this.#folder, 'time-floor'));
    const floor = bytes === undefined ? 0 : Number(Buffer.from(bytes).toString('latin1'));
    return Number.isSafeInteger(floor) && floor > 0 ? floor : 0;
  }

  async raiseTimeFloor(time: EpochMs): Promise<void> {
    if (time > (await this.timeFloor())) {
      await this.#prepare();
      await writeFileDurably(
        join(this.#folder, 'time-floor'),
        Buffer.from(`${Math.floor(time)}\n`, 'latin1'),
      );
    }
  }

  #prepare(): Promise<void> {
    this.#prepared ??= this.#makeFolders();
    return this.#prepared;
  }

  async #makeFolders(): Promise<void> {
    await mkdir(this.#history, { recursive: true });
    for (const folder of [this.#folder, this.#history]) {
      for (const name of await readdir(folder)) {
        if (isTemporary(name)) {
          await rm(join(folder, name), { force: true });
        }
      }
    }
  }
}

function fileName(role: string): string {
  const encoded = encodedRole(role);
  // A `%` alone starts no encoded name, so this collides with none.
  return encoded.length <= encodedRoleMaxLength
    ? `${encoded}.json`
    : `%sha256-${createHash('sha256').update(role).digest('hex')}.json`;
}

async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      return undefined;
    }
    throw error;
  }
}
