import { randomUUID } from 'node:crypto';
import { opendir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Digest } from '@sallyport/core/shared/ids';
import { busy } from '../expected-bytes.ts';
import { dropQuietly } from './durable-file.ts';
import { onDisk } from './on-disk.ts';

const hexName = /^[0-9a-f]{64}$/;
const temporaryPrefix = 'put-';
/** A temporary file that nobody touched for so long was left by a process that ended. */
const abandonedAfterMs = 60 * 60 * 1000;

/**
 * Where blobs lie that are not complete: `<hex>` for those that arrive in pieces, which outlive the process, and
 * temporary files (`put-…`), which do not.
 */
export class PartialFolder {
  readonly path: string;
  readonly #writing = new Set<Digest>();
  readonly #temporary = new Set<string>();

  constructor(path: string) {
    this.path = path;
  }

  pathOf(sha256: Digest): string {
    return join(this.path, sha256);
  }

  /** Takes a digest for one writer; answers how to give it back. @throws {ContentError} BUSY */
  claim(sha256: Digest): () => void {
    if (this.#writing.has(sha256)) {
      throw busy(sha256);
    }
    this.#writing.add(sha256);
    return () => {
      this.#writing.delete(sha256);
    };
  }

  /** Hands a path of its own to `work`; whatever is left there afterwards is removed. */
  async withTemporary<T>(work: (path: string) => Promise<T>): Promise<T> {
    const name = `${temporaryPrefix}${randomUUID()}`;
    const path = join(this.path, name);
    this.#temporary.add(name);
    try {
      return await work(path);
    } finally {
      await dropQuietly(path);
      this.#temporary.delete(name);
    }
  }

  /** Removes all temporary files. Only for whoever is alone in the folder and writes nothing yet. */
  async dropTemporary(): Promise<void> {
    for await (const name of namesIn(this.path)) {
      if (name.startsWith(temporaryPrefix)) await dropQuietly(join(this.path, name));
    }
  }

  /** Removes what unfinished writers left of blobs that nobody wants; answers how many bytes. */
  async dropUnwanted(isWanted: (sha256: Digest) => boolean): Promise<number> {
    let droppedBytes = 0;
    for await (const name of namesIn(this.path)) {
      const path = join(this.path, name);
      const found = await stat(path).catch(() => undefined);
      if (found !== undefined && this.#isAbandoned(name, found.mtimeMs, isWanted)) {
        await onDisk(path, () => rm(path, { force: true }));
        droppedBytes += found.size;
      }
    }
    return droppedBytes;
  }

  #isAbandoned(name: string, changedAt: number, isWanted: (sha256: Digest) => boolean): boolean {
    if (hexName.test(name)) {
      return !isWanted(name as Digest) && !this.#writing.has(name as Digest);
    }
    // Another process may be writing it: only its age tells.
    return (
      name.startsWith(temporaryPrefix) &&
      !this.#temporary.has(name) &&
      Date.now() - changedAt > abandonedAfterMs
    );
  }
}

/** Whether a file name is that of a blob. */
export function isBlobName(name: string): boolean {
  return hexName.test(name);
}

/** The names in a folder, as they are read. */
export async function* namesIn(folder: string): AsyncGenerator<string> {
  const entries = await onDisk(folder, () => opendir(folder));
  for await (const entry of entries) {
    yield entry.name;
  }
}
