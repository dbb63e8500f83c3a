import type { BlobRef } from '@sallyport/core/domain/content/tree';
import type { BlobWriter } from '../../ports/blobs.ts';
import { ExpectedBytes, writerClosed } from '../expected-bytes.ts';
import type { DiskMount } from './disk.ts';

/** Writes one blob in pieces to a file of a disk in memory; what earlier attempts left is hashed again. */
export class MemoryBlobWriter implements BlobWriter {
  readonly offset: number;
  readonly #mount: DiskMount;
  readonly #paths: { readonly partial: string; readonly target: string };
  readonly #bytes: ExpectedBytes;
  readonly #onEnd: () => void;
  #state: 'open' | 'failed' | 'ended' = 'open';

  constructor(
    mount: DiskMount,
    paths: { readonly partial: string; readonly target: string },
    expected: BlobRef,
    onEnd: () => void,
  ) {
    this.#mount = mount;
    this.#paths = paths;
    this.#bytes = new ExpectedBytes(expected);
    this.#onEnd = onEnd;
    const left = mount.read(paths.partial) ?? new Uint8Array();
    if (left.length > expected.sizeBytes) {
      // More than the whole is somebody's mistake: it begins anew.
      mount.remove(paths.partial);
      this.offset = 0;
    } else {
      this.#bytes.add(left);
      this.offset = left.length;
    }
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.#mustBeOpen();
    this.#bytes.add(chunk);
    try {
      this.#mount.append(this.#paths.partial, chunk);
    } catch (failure) {
      // The hash has moved on without the bytes: this writer cannot, but the bytes before stay good.
      this.#state = 'failed';
      throw failure;
    }
  }

  async commit(): Promise<void> {
    this.#mustBeOpen();
    try {
      this.#bytes.finish();
    } catch (mismatch) {
      await this.discard();
      throw mismatch;
    }
    this.#state = 'ended';
    const { partial, target } = this.#paths;
    try {
      if (!this.#mount.has(partial)) this.#mount.write(partial, new Uint8Array());
      this.#mount.sync(partial);
      this.#mount.rename(partial, target);
    } finally {
      this.#onEnd();
    }
  }

  async suspend(): Promise<void> {
    this.#end(() => this.#mount.sync(this.#paths.partial));
  }

  async discard(): Promise<void> {
    this.#end(() => this.#mount.remove(this.#paths.partial));
  }

  #end(last: () => void): void {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    try {
      last();
    } finally {
      this.#onEnd();
    }
  }

  #mustBeOpen(): void {
    if (this.#state !== 'open') {
      throw writerClosed(this.#bytes.expected.sha256);
    }
  }
}
