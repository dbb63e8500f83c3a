import type { BlobRef } from '@sallyport/core/domain/content/tree';
import type { BlobWriter } from '../ports/blobs.ts';
import { ExpectedBytes } from './expected-bytes.ts';

/** The writer of a blob that is held: it has all its bytes. */
export class HeldBlobWriter implements BlobWriter {
  readonly offset: number;
  readonly #bytes: ExpectedBytes;

  constructor(held: BlobRef) {
    this.offset = held.sizeBytes;
    this.#bytes = new ExpectedBytes({ ...held, sizeBytes: 0 });
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.#bytes.add(chunk);
  }

  async commit(): Promise<void> {
    // It is visible already.
  }

  async suspend(): Promise<void> {
    // Nothing was begun.
  }

  async discard(): Promise<void> {
    // Nothing was begun; the blob that is held is not this writer's.
  }
}
