import type { BlobRef } from '@sallyport/core/domain/content/tree';
import { type Digest, digest } from '@sallyport/core/shared/ids';
import type { Blobs, BlobWriter } from '../../ports/blobs.ts';
import { abortable, dismiss } from '../abortable.ts';
import { busy, checkBytes, checkedRange, ExpectedBytes, notHeld, tooLarge } from '../expected-bytes.ts';
import { HeldBlobWriter } from '../held-blob-writer.ts';
import { InFlight } from '../in-flight.ts';
import { sha256Of } from '../sha256.ts';
import { MemoryBlobWriter } from './blob-writer.ts';
import { type DiskMount, MemoryDisk } from './disk.ts';

const chunkBytes = 256 * 1024;
const blobFolder = 'memory:blobs/sha256/';
const partialFolder = 'memory:partial/';
const temporaryPrefix = `${partialFolder}put-`;

/**
 * A content library on a disk in memory, laid out as the one in a folder. Its paths mean something only to a
 * `Compute` that works on the same disk.
 */
export class MemoryBlobs implements Blobs {
  readonly #mount: DiskMount;
  readonly #writing = new Set<Digest>();
  readonly #temporary = new Set<string>();
  readonly #inFlight = new InFlight();
  #temporaryCount = 0;

  constructor(mount: DiskMount = new MemoryDisk().mount()) {
    this.#mount = mount;
  }

  /** The disk that it lies on. */
  get disk(): DiskMount {
    return this.#mount;
  }

  /** What is on that disk: path to bytes, blobs and temporary files alike. */
  get files(): Map<string, Uint8Array> {
    return this.#mount.disk.files;
  }

  async has(sha256: Digest): Promise<boolean> {
    return this.#mount.has(this.pathOf(sha256));
  }

  async sizeOf(sha256: Digest): Promise<number | undefined> {
    return this.#mount.read(this.pathOf(sha256))?.length;
  }

  async held(digests: readonly Digest[]): Promise<ReadonlySet<Digest>> {
    return new Set(digests.filter((sha256) => this.#mount.has(this.pathOf(sha256))));
  }

  async put(source: AsyncIterable<Uint8Array>, expected: BlobRef, signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted();
      if (this.#isHeld(expected)) {
        await dismiss(source);
        return;
      }
      const joined = await this.#inFlight.join(expected.sha256, signal, () =>
        this.#withTemporary(async (path) => {
          const bytes = new ExpectedBytes(expected);
          this.#mount.write(path, new Uint8Array());
          for await (const chunk of abortable(source, signal)) {
            bytes.add(chunk);
            this.#mount.append(path, chunk);
          }
          bytes.finish();
          this.#publish(path, expected.sha256);
        }),
      );
      if (joined === 'ran') {
        return;
      }
    }
  }

  async ingest(write: (path: string) => Promise<BlobRef | undefined>): Promise<BlobRef | undefined> {
    return this.#withTemporary(async (path) => {
      const expected = await write(path);
      if (expected !== undefined && !this.#isHeld(expected)) {
        const bytes = this.#mount.read(path) ?? new Uint8Array();
        checkBytes(expected, { sha256: sha256Of(bytes), sizeBytes: bytes.length });
        this.#publish(path, expected.sha256);
      }
      return expected;
    });
  }

  async putBytes(bytes: Uint8Array): Promise<BlobRef> {
    const named = { sha256: sha256Of(bytes), sizeBytes: bytes.length };
    if (!this.#isHeld(named)) {
      const path = this.pathOf(named.sha256);
      this.#mount.writeDurably(path, Uint8Array.from(bytes));
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
    return new MemoryBlobWriter(
      this.#mount,
      { partial: `${partialFolder}${sha256}`, target: this.pathOf(sha256) },
      expected,
      () => this.#writing.delete(sha256),
    );
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
    return `${blobFolder}${sha256}`;
  }

  async *list(): AsyncGenerator<BlobRef> {
    for (const name of this.#mount.under(blobFolder)) {
      const sizeBytes = this.#mount.read(`${blobFolder}${name}`)?.length;
      if (sizeBytes !== undefined) {
        yield { sha256: digest(name), sizeBytes };
      }
    }
  }

  async remove(sha256: Digest): Promise<void> {
    this.#mount.remove(this.pathOf(sha256));
  }

  async dropPartials(isWanted: (sha256: Digest) => boolean): Promise<number> {
    let droppedBytes = 0;
    for (const name of this.#mount.under(partialFolder)) {
      const path = `${partialFolder}${name}`;
      // A temporary file that is not this process's was left by one that ended.
      const isKept = path.startsWith(temporaryPrefix)
        ? this.#temporary.has(path)
        : isWanted(digest(name)) || this.#writing.has(digest(name));
      if (!isKept) {
        droppedBytes += this.#mount.read(path)?.length ?? 0;
        this.#mount.remove(path);
      }
    }
    return droppedBytes;
  }

  #bytesOf(sha256: Digest): Uint8Array {
    const bytes = this.#mount.read(this.pathOf(sha256));
    if (bytes === undefined) {
      throw notHeld(sha256);
    }
    return bytes;
  }

  /** A blob whose size is not its own was damaged at rest, and then goes; or whoever expects another one is mistaken. */
  #isHeld(expected: BlobRef): boolean {
    const path = this.pathOf(expected.sha256);
    const bytes = this.#mount.read(path);
    if (bytes === undefined) {
      return false;
    }
    if (bytes.length !== expected.sizeBytes) {
      if (sha256Of(bytes) !== expected.sha256) {
        this.#mount.remove(path);
        return false;
      }
      checkBytes(expected, { sha256: expected.sha256, sizeBytes: bytes.length });
    }
    return true;
  }

  #publish(path: string, sha256: Digest): void {
    this.#mount.sync(path);
    this.#mount.rename(path, this.pathOf(sha256));
  }

  /** Hands a path in the partial folder to `work`; whatever is left there afterwards is removed. */
  async #withTemporary<T>(work: (path: string) => Promise<T>): Promise<T> {
    // Names that another process left stay clear of ours.
    do {
      this.#temporaryCount += 1;
    } while (this.#mount.has(`${temporaryPrefix}${String(this.#temporaryCount)}`));
    const path = `${temporaryPrefix}${String(this.#temporaryCount)}`;
    this.#temporary.add(path);
    try {
      return await work(path);
    } finally {
      this.#mount.remove(path);
      this.#temporary.delete(path);
    }
  }
}
