import { ContentError } from '@sallyport/core/domain/content/content-error';
import type { BlobRef } from '@sallyport/core/domain/content/tree';
import type { Digest } from '@sallyport/core/shared/ids';
import type { Blobs } from '@sallyport/engine/ports/blobs';
import type { ContentSource } from '@sallyport/engine/ports/content-source';
import type { PublishedRepository } from '@sallyport/engine/ports/published-repository';
import { type RepositorySource, RepositorySourceError } from '@sallyport/engine/ports/repository';
import { ExchangeError } from '@sallyport/engine/ports/vendor-exchange';
import { BlobContentSource } from '@sallyport/engine/storage/memory/content-source';
import { PublishedRepositorySource } from '@sallyport/engine/storage/memory/published-repository';

const name = 'the vendor';
const whatToDo = 'the cloud service does not run; it is tried again';

/** @throws {ExchangeError} UNREACHABLE, always */
export function vendorDown(): never {
  throw new ExchangeError('UNREACHABLE', `${name} is unreachable: ${whatToDo}`);
}

/** The vendor's repository, whichever process serves it. */
export class VendorRepository implements RepositorySource {
  readonly name = name;
  readonly #published: () => PublishedRepository | undefined;

  constructor(published: () => PublishedRepository | undefined) {
    this.#published = published;
  }

  async metadata(...given: Parameters<RepositorySource['metadata']>): Promise<Uint8Array | undefined> {
    return this.#source().metadata(...given);
  }

  async target(
    ...given: Parameters<RepositorySource['target']>
  ): Promise<AsyncIterable<Uint8Array> | undefined> {
    return this.#source().target(...given);
  }

  #source(): RepositorySource {
    const published = this.#published();
    if (published === undefined) {
      throw new RepositorySourceError('UNREACHABLE', `${name} is unreachable: ${whatToDo}`);
    }
    return new PublishedRepositorySource(name, published);
  }
}

/** The vendor's blobs, whichever process serves them. */
export class VendorContent implements ContentSource {
  readonly name = name;
  readonly #blobs: () => Blobs | undefined;

  constructor(blobs: () => Blobs | undefined) {
    this.#blobs = blobs;
  }

  async offers(digests: readonly Digest[], signal: AbortSignal): Promise<ReadonlySet<Digest>> {
    return this.#source().offers(digests, signal);
  }

  async open(blob: BlobRef, offset: number, signal: AbortSignal): ReturnType<ContentSource['open']> {
    return this.#source().open(blob, offset, signal);
  }

  #source(): ContentSource {
    const blobs = this.#blobs();
    if (blobs === undefined) {
      throw new ContentError('UNREACHABLE', `${name} is unreachable: ${whatToDo}`);
    }
    return new BlobContentSource(name, blobs);
  }
}
