import { hash } from 'node:crypto';
import { ContentError } from '@sallyport/core/domain/content/content-error';
import type { BlobRef } from '@sallyport/core/domain/content/tree';
import { type Digest, digest } from '@sallyport/core/shared/ids';
import type { Compute } from '../ports/compute.ts';
import { check } from './jobs.ts';
import { compressBytes, decompressBytes } from './zstd.ts';

/** Files in memory, by path. */
export interface FilesInMemory {
  read(path: string): Uint8Array | undefined;
  write(path: string, bytes: Uint8Array): void;
}

/** `Compute` on files in memory, in the calling thread. */
export class MemoryCompute implements Compute {
  readonly #disk: FilesInMemory;

  /** @param library whatever lies on the disk to work on, such as a content library in memory */
  constructor(library: { readonly disk: FilesInMemory }) {
    this.#disk = library.disk;
  }

  async hashFile(path: string, signal: AbortSignal): Promise<BlobRef> {
    signal.throwIfAborted();
    return this.#refOf(this.#load(path));
  }

  async decompressFile(work: Parameters<Compute['decompressFile']>[0], signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const bytes = decompressBytes(this.#load(work.source), {
      sizeMaxBytes: work.expected.sizeBytes,
      ...(work.windowLog === undefined ? {} : { windowLog: work.windowLog }),
      ...(work.dictionary === undefined ? {} : { dictionary: this.#load(work.dictionary) }),
    });
    check(work.expected, bytes);
    this.#disk.write(work.target, bytes);
  }

  async compressFile(work: Parameters<Compute['compressFile']>[0], signal: AbortSignal): Promise<BlobRef> {
    signal.throwIfAborted();
    const bytes = compressBytes(this.#load(work.source), {
      level: work.level,
      ...(work.windowLog === undefined ? {} : { windowLog: work.windowLog }),
      ...(work.dictionary === undefined ? {} : { dictionary: this.#load(work.dictionary) }),
    });
    this.#disk.write(work.target, bytes);
    return this.#refOf(bytes);
  }

  sha256(bytes: Uint8Array): Digest {
    return digest(hash('sha256', bytes, 'hex'));
  }

  async close(): Promise<void> {
    // It has no threads.
  }

  #refOf(bytes: Uint8Array): BlobRef {
    return { sha256: this.sha256(bytes), sizeBytes: bytes.length };
  }

  #load(path: string): Uint8Array {
    const bytes = this.#disk.read(path);
    if (bytes === undefined) {
      throw new ContentError('NOT_HELD', `${path} is not there`, { path });
    }
    return bytes;
  }
}
