import { ContentError } from '@sallyport/core/domain/content/content-error';
import type { BlobRef } from '@sallyport/core/domain/content/tree';
import type { Digest } from '@sallyport/core/shared/ids';
import type { Blobs } from '../../ports/blobs.ts';
import type { ContentSource } from '../../ports/content-source.ts';

/** A content library of the same process as a source. */
export class BlobContentSource implements ContentSource {
  readonly name: string;
  readonly #blobs: Pick<Blobs, 'has' | 'held' | 'read'>;

  constructor(name: string, blobs: Pick<Blobs, 'has' | 'held' | 'read'>) {
    this.name = name;
    this.#blobs = blobs;
  }

  async offers(digests: readonly Digest[], signal: AbortSignal): Promise<ReadonlySet<Digest>> {
    signal.throwIfAborted();
    return this.#blobs.held(digests);
  }

  async open(
    blob: BlobRef,
    offset: number,
    signal: AbortSignal,
  ): Promise<{ readonly startsAt: number; readonly chunks: AsyncIterable<Uint8Array> }> {
    signal.throwIfAborted();
    if (!(await this.#blobs.has(blob.sha256))) {
      throw new ContentError('NOT_FOUND', `${this.name} does not have ${blob.sha256}`, {
        sha256: blob.sha256,
      });
    }
    return { startsAt: offset, chunks: this.#blobs.read(blob.sha256, { start: offset }) };
  }
}
