import { ContentError } from '@sallyport/core/domain/content/content-error';
import type { BlobRef } from '@sallyport/core/domain/content/tree';
import type { Digest } from '@sallyport/core/shared/ids';
import type { Blobs } from '../src/ports/blobs.ts';
import type { ContentSource } from '../src/ports/content-source.ts';

/** What a test does to the bytes of a blob on their way, from an offset on. */
export type OnTheWay = (
  blob: BlobRef,
  offset: number,
  chunks: AsyncIterable<Uint8Array>,
) => AsyncIterable<Uint8Array> | { readonly startsAt: number; readonly chunks: AsyncIterable<Uint8Array> };

/** A library as a source, with a fault for every taste. Keeps what it was asked for. */
export class LibrarySource implements ContentSource {
  readonly name = 'the library of a test';
  readonly opened: { readonly sha256: Digest; readonly offset: number }[] = [];
  /** Digests that it does not offer, and does not find either. */
  readonly withheld = new Set<Digest>();
  /** Digests that it offers and then does not find. */
  readonly lost = new Set<Digest>();
  onTheWay: OnTheWay = (_, __, chunks) => chunks;
  onOffers: () => void = () => undefined;
  readonly #blobs: Blobs;

  constructor(blobs: Blobs) {
    this.#blobs = blobs;
  }

  async offers(digests: readonly Digest[], signal: AbortSignal): Promise<ReadonlySet<Digest>> {
    signal.throwIfAborted();
    this.onOffers();
    const held = await this.#blobs.held(digests);
    return new Set([...held].filter((sha256) => !this.withheld.has(sha256)));
  }

  async open(
    blob: BlobRef,
    offset: number,
    signal: AbortSignal,
  ): Promise<{ readonly startsAt: number; readonly chunks: AsyncIterable<Uint8Array> }> {
    signal.throwIfAborted();
    this.opened.push({ sha256: blob.sha256, offset });
    if (
      this.withheld.has(blob.sha256) ||
      this.lost.has(blob.sha256) ||
      !(await this.#blobs.has(blob.sha256))
    ) {
      throw new ContentError('NOT_FOUND', `${this.name} does not have ${blob.sha256}`, {
        sha256: blob.sha256,
      });
    }
    const way = this.onTheWay(blob, offset, this.#blobs.read(blob.sha256, { start: offset }));
    return 'startsAt' in way ? way : { startsAt: offset, chunks: way };
  }
}
