import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { topLevelRoles } from '@sallyport/core/domain/trust/documents';
import { encodedRole } from '@sallyport/core/domain/trust/metadata-name';
import type { EpochMs } from '@sallyport/core/shared/ids';
import type { TrustStore } from '../../ports/trust-store.ts';
import { sweepTemporaries, writeFileDurably } from './durable-file.ts';
import { makeFolderDurably } from './durable-folder.ts';
import { isMissing } from './file-errors.ts';
import { type FolderLock, lockFolder } from './folder-lock.ts';
import { onDisk } from './on-disk.ts';

/** File systems take 255 bytes; the version, the ending and a temporary name need some of them. */
const encodedRoleMaxLength = 180;

/**
 * Trusted metadata as plain files: `<role>.json`, `root_history/<n>.root.json` and `time-floor`. Role names are
 * percent-encoded, so none can leave the folder.
 *
 * Folders are made on the first write. One process at a time works here: `exclusively` holds a lock of the operating
 * system in `run/`, which ends with the process. What the disk refuses is a ContentError that names file and remedy.
 */
export class FileTrustStore implements TrustStore {
  readonly #folder: string;
  readonly #history: string;
  #prepared: Promise<void> | undefined;
  #lock: FolderLock | undefined;
  #working = 0;

  constructor(folder: string) {
    this.#folder = folder;
    this.#history = join(folder, 'root_history');
  }

  async exclusively<T>(work: () => Promise<T>): Promise<T> {
    this.#lock ??= lockFolder(this.#folder);
    this.#working += 1;
    try {
      return await work();
    } finally {
      this.#working -= 1;
      if (this.#working === 0) {
        this.#lock.release();
        this.#lock = undefined;
      }
    }
  }

  async load(role: string): Promise<Uint8Array | undefined> {
    const bytes = await readIfThere(join(this.#folder, fileName(role)));
    if (role !== 'root' || (bytes !== undefined && isJson(bytes))) return bytes;
    const kept = await this.#newestOfHistory();
    if (kept === undefined) return bytes;
    // A disk that takes no write now is one for the next load.
    await this.save('root', kept).catch(() => undefined);
    return kept;
  }

  /** Every root that was trusted is in the history too: what a disk, or a death between two writes, has made of one copy is mended. */
  async #newestOfHistory(): Promise<Uint8Array | undefined> {
    const names = await readdir(this.#history).catch((failure: unknown) => {
      if (isMissing(failure)) return [];
      throw failure;
    });
    const versions = names.flatMap((name) => Number(/^([1-9]\d*)\.root\.json$/.exec(name)?.[1] ?? []));
    for (const version of versions.toSorted((a, b) => b - a)) {
      const bytes = await this.loadRoot(version);
      if (bytes !== undefined && isJson(bytes)) return bytes;
    }
    return undefined;
  }

  async save(role: string, bytes: Uint8Array): Promise<void> {
    await this.#write(join(this.#folder, fileName(role)), bytes);
  }

  loadRoot(version: number): Promise<Uint8Array | undefined> {
    return readIfThere(join(this.#history, `${version}.root.json`));
  }

  async saveRoot(version: number, bytes: Uint8Array): Promise<void> {
    // The history first: after a crash in between, the root that is trusted is in it all the same.
    await this.#write(join(this.#history, `${version}.root.json`), bytes);
    await this.save('root', bytes);
  }

  async timeFloor(): Promise<EpochMs> {
    const bytes = await readIfThere(join(this.#folder, 'time-floor'));
    const floor = bytes === undefined ? 0 : Number(Buffer.from(bytes).toString('latin1'));
    return Number.isSafeInteger(floor) && floor > 0 ? floor : 0;
  }

  async raiseTimeFloor(time: EpochMs): Promise<void> {
    if (time > (await this.timeFloor())) {
      await this.#write(join(this.#folder, 'time-floor'), Buffer.from(`${Math.floor(time)}\n`, 'latin1'));
    }
  }

  async #write(path: string, bytes: Uint8Array): Promise<void> {
    this.#prepared ??= this.#makeFolders();
    try {
      await this.#prepared;
    } catch (failure) {
      // The next write tries again: there may be room by then.
      this.#prepared = undefined;
      throw failure;
    }
    await writeFileDurably(path, bytes);
  }

  async #makeFolders(): Promise<void> {
    await makeFolderDurably(this.#history);
    for (const folder of [this.#folder, this.#history]) await sweepTemporaries(folder);
  }
}

function isJson(bytes: Uint8Array): boolean {
  try {
    JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    return true;
  } catch {
    return false;
  }
}

/** Names that Windows gives to devices, whatever follows the dot. */
const deviceName = /^(?:aux|con|nul|prn|com[0-9]|lpt[0-9])(?:\.|$)/;

/**
 * Not every file system tells letters by their case: a role called `Timestamp` must not replace the timestamp there,
 * which is the floor that nothing may roll back below.
 */
function isUsable(encoded: string): boolean {
  const lower = encoded.toLowerCase();
  const isTaken = encoded !== lower && topLevelRoles.some((role) => role === lower);
  return encoded.length <= encodedRoleMaxLength && !isTaken && !deviceName.test(lower);
}

function fileName(role: string): string {
  const encoded = encodedRole(role);
  // A `%` alone starts no encoded name, so this collides with none.
  return isUsable(encoded)
    ? `${encoded}.json`
    : `%sha256-${createHash('sha256').update(role).digest('hex')}.json`;
}

async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  return onDisk(path, async () => {
    try {
      return await readFile(path);
    } catch (failure) {
      if (isMissing(failure)) return undefined;
      throw failure;
    }
  });
}
