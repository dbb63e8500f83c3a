import { hash } from 'node:crypto';
import { ContentError } from '@sallyport/core/domain/content/content-error';
import type { BlobRef } from '@sallyport/core/domain/content/tree';
import { type Digest, digest } from '@sallyport/core/shared/ids';
import { check } from '../src/compute/jobs.ts';
import { compressBytes, decompressBytes } from '../src/compute/zstd.ts';
import type { Compute } from '../src/ports/compute.ts';
import { refOf } from './bytes.ts';

/** `Compute` on the files of a `MemoryBlobs`, in the calling thread. */
export class MemoryCompute implements Compute {
  readonly #files: Map<string, Uint8Array>;

  constructor(library: { readonly files: Map<string, Uint8Array> }) {
    this.#files = library.files;
  }

  async hashFile(path: string, signal: AbortSignal): Promise<BlobRef> {
    signal.throwIfAborted();
    return refOf(this.#load(path));
  }

  async decompressFile(work: Parameters<Compute['decompressFile']>[0], signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const bytes = decompressBytes(this.#load(work.source), {
      sizeMaxBytes: work.expected.sizeBytes,
      ...(work.windowLog === undefined ? {} : { windowLog: work.windowLog }),
      ...(work.dictionary === undefined ? {} : { dictionary: this.#load(work.dictionary) }),
    });
    check(work.expected, bytes);
    this.#files.set(work.target, bytes);
  }

  async compressFile(work: Parameters<Compute['compressFile']>[0], signal: AbortSignal): Promise<BlobRef> {
    signal.throwIfAborted();
    const bytes = compressBytes(this.#load(work.source), {
      level: work.level,
      ...(work.windowLog === undefined ? {} : { windowLog: work.windowLog }),
      ...(work.dictionary === undefined ? {} : { dictionary: this.#load(work.dictionary) }),
    });
    this.#files.set(work.target, bytes);
    return refOf(bytes);
  }

  sha256(bytes: Uint8Array): Digest {
    return digest(hash('sha256', bytes, 'hex'));
  }

  async close(): Promise<void> {
    // It has no threads.
  }

  #load(path: string): Uint8Array {
    const bytes = this.#files.get(path);
    if (bytes === undefined) {
      throw new ContentError('NOT_HELD', `${path} is not there`, { path });
    }
    return bytes;
  }
}
