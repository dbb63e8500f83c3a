import type { BlobRef } from '@sallyport/core/domain/content/tree';
import type { Digest } from '@sallyport/core/shared/ids';
import type { Blobs, BlobWriter } from '../../ports/blobs.ts';
import { abortable, dismiss } from '../abortable.ts';
import {
  busy,
  checkBytes,
  checkedRange,
  ExpectedBytes,
  notHeld,
  tooLarge,
  writerClosed,
} from '../expected-bytes.ts';
import { HeldBlobWriter } from '../held-blob-writer.ts';
import { InFlight } from '../in-flight.ts';
import { sha256Of } from '../sha256.ts';

const chunkBytes = 256 * 1024;

/**
 * A content library in memory. Its paths mean something only to a `Compute` that works on `files`.
 */
export class MemoryBlobs implements Blobs {
  /** What stands for the disk: path to bytes, blobs and temporary files alike. */
  readonly files = new Map<string, Uint8Array>();
  readonly #held = new Map<Digest, number>();
  readonly #partials = new Map<Digest, Uint8Array>();
  readonly #writing = new Set<Digest>();
  readonly #inFlight = new InFlight();
  #temporaryCount = 0;

  async has(sha256: Digest): Promise<boolean> {
    return this.#held.has(sha256);
  }

  async sizeOf(sha256: Digest): Promise<number | undefined> {
    return this.#held.get(sha256);
  }

  async held(digests: readonly Digest[]): Promise<ReadonlySet<Digest>> {
    return new Set(digests.filter((sha256) => this.#held.has(sha256)));
  }

  async put(source: AsyncIterable<Uint8Array>, expected: BlobRef, signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted();
      if (this.#isHeld(expected)) {
        await dismiss(source);
        return;
      }
      const joined = await this.#inFlight.join(expected.sha256, signal, async () => {
        const bytes = new ExpectedBytes(expected);
        const chunks: Uint8Array[] = [];
        for await (const chunk of abortable(source, signal)) {
          bytes.add(chunk);
          chunks.push(chunk);
        }
        bytes.finish();
        this.#publish(expected, Buffer.concat(chunks));
      });
      if (joined === 'ran') {
        return;
      }
    }
  }

  async ingest(write: (path: string) => Promise<BlobRef | undefined>): Promise<BlobRef | undefined> {
    this.#temporaryCount += 1;
    const path = `memory:temporary/${String(this.#temporaryCount)}`;
    try {
      const expected = await write(path);
      if (expected !== undefined && !this.#isHeld(expected)) {
        const bytes = this.files.get(path) ?? new Uint8Array();
        checkBytes(expected, { sha256: sha256Of(bytes), sizeBytes: bytes.length });
        this.#publish(expected, bytes);
      }
      return expected;
    } finally {
      this.files.delete(path);
    }
  }

  async putBytes(bytes: Uint8Array): Promise<BlobRef> {
    const named = { sha256: sha256Of(bytes), sizeBytes: bytes.length };
    if (!this.#isHeld(named)) {
      this.#publish(named, Uint8Array.from(bytes));
    }
    return named;
  }

  async resume(expected: BlobRef): Promise<BlobWriter> {
    const { sha256 } = expected;
    if (this.#writing.has(sha256)) {
      throw busy(sha256);
    }
    if (this.#isHeld(expected)) {
      return new HeldBlobWriter(expected);
    }
    this.#writing.add(sha256);
    return this.#writer(expected);
  }

  async *read(
    sha256: Digest,
    range?: { readonly start: number; readonly end?: number },
  ): AsyncGenerator<Uint8Array> {
    const bytes = this.#bytesOf(sha256);
    const { start, end } = checkedRange(sha256, bytes.length, range);
    for (let at = start; at < end; at += chunkBytes) {
      yield bytes.slice(at, Math.min(end, at + chunkBytes));
    }
  }

  async readBytes(sha256: Digest, sizeMaxBytes: number): Promise<Uint8Array> {
    const bytes = this.#bytesOf(sha256);
    if (bytes.length > sizeMaxBytes) {
      throw tooLarge(sha256, bytes.length, sizeMaxBytes);
    }
    checkBytes({ sha256, sizeBytes: bytes.length }, { sha256: sha256Of(bytes), sizeBytes: bytes.length });
    return Uint8Array.from(bytes);
  }

  pathOf(sha256: Digest): string {
    return `memory:blobs/sha256/${sha256}`;
  }

  async *list(): AsyncGenerator<BlobRef> {
    for (const [sha256, sizeBytes] of this.#held) {
      yield { sha256, sizeBytes };
    }
  }

  async remove(sha256: Digest): Promise<void> {
    this.#held.delete(sha256);
    this.files.delete(this.pathOf(sha256));
  }

  async dropPartials(isWanted: (sha256: Digest) => boolean): Promise<number> {
    let droppedBytes = 0;
    for (const [sha256, bytes] of this.#partials) {
      if (!isWanted(sha256) && !this.#writing.has(sha256)) {
        this.#partials.delete(sha256);
        droppedBytes += bytes.length;
      }
    }
    return droppedBytes;
  }

  #bytesOf(sha256: Digest): Uint8Array {
    const bytes = this.files.get(this.pathOf(sha256));
    if (bytes === undefined) {
      throw notHeld(sha256);
    }
    return bytes;
  }

  #isHeld(expected: BlobRef): boolean {
    const sizeBytes = this.#held.get(expected.sha256);
    if (sizeBytes === undefined) {
      return false;
    }
    checkBytes(expected, { sha256: expected.sha256, sizeBytes });
    return true;
  }

  #publish(named: BlobRef, bytes: Uint8Array): void {
    this.files.set(this.pathOf(named.sha256), bytes);
    this.#held.set(named.sha256, named.sizeBytes);
  }

  #writer(expected: BlobRef): BlobWriter {
    const { sha256 } = expected;
    const left = this.#partials.get(sha256) ?? new Uint8Array();
    const bytes = new ExpectedBytes(expected);
    const chunks: Uint8Array[] = [left];
    bytes.add(left);
    let open = true;
    const end = (kept: Uint8Array | undefined): void => {
      if (open) {
        open = false;
        this.#writing.delete(sha256);
        if (kept === undefined) {
          this.#partials.delete(sha256);
        } else {
          this.#partials.set(sha256, kept);
        }
      }
    };
    const mustBeOpen = (): void => {
      if (!open) {
        throw writerClosed(sha256);
      }
    };
    return {
      offset: left.length,
      write: async (chunk) => {
        mustBeOpen();
        bytes.add(chunk);
        chunks.push(Uint8Array.from(chunk));
      },
      commit: async () => {
        mustBeOpen();
        end(undefined);
        bytes.finish();
        this.#publish(expected, Buffer.concat(chunks));
      },
      suspend: async () => end(Buffer.concat(chunks)),
      discard: async () => end(undefined),
    };
  }
}
