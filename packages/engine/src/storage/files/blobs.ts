import { type FileHandle, open, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { BlobRef } from '@sallyport/core/domain/content/tree';
import { diskFailure } from '@sallyport/core/domain/content/disk-failure';
import { type Digest, digest } from '@sallyport/core/shared/ids';
import type { Blobs, BlobWriter } from '../../ports/blobs.ts';
import { abortable, dismiss } from '../abortable.ts';
import { checkBytes, checkedRange, ExpectedBytes, notHeld, tooLarge } from '../expected-bytes.ts';
import { HeldBlobWriter } from '../held-blob-writer.ts';
import { InFlight } from '../in-flight.ts';
import { sha256Of } from '../sha256.ts';
import { chunksOf, hashOf, type OpenFile, publishFile, writeAt } from './blob-files.ts';
import { FileBlobWriter } from './blob-writer.ts';
import { syncFolder } from './durable-file.ts';
import { makeFolderDurably } from './durable-folder.ts';
import { isMissing } from './file-errors.ts';
import { needingRoom, onDisk } from './on-disk.ts';
import { isBlobName, namesIn, PartialFolder } from './partial-folder.ts';

export interface FileBlobsOptions {
  /** Blobs lie in `blobs/sha256` within it. */
  readonly folder: string;
  /** Where unfinished blobs lie, on the same disk: `partial` within `folder` when not given. */
  readonly partialFolder?: string;
  /** No other process uses the folder: temporary files of processes that were killed go at once. */
  readonly alone?: true;
  readonly open?: OpenFile;
}

/** How many files are looked at side by side. */
const lookAtOnce = 32;

/**
 * A content library in a folder: `blobs/sha256/<hex>`, read-only files, each complete, verified and durable before
 * it has that name. Unfinished ones lie in `partial/`: `<hex>` for blobs that arrive in pieces, and temporary files.
 *
 * Several processes may use one folder; only `resume` expects to be the one that writes a digest in pieces.
 */
export class FileBlobs implements Blobs {
  readonly #blobFolder: string;
  readonly #partials: PartialFolder;
  readonly #open: OpenFile;
  readonly #inFlight = new InFlight();
  /** Blobs that may be visible before their names are durable: being published, or the sync of the folder failed. */
  readonly #unsure = new Set<Digest>();

  private constructor(options: FileBlobsOptions) {
    this.#blobFolder = join(options.folder, 'blobs', 'sha256');
    this.#partials = new PartialFolder(options.partialFolder ?? join(options.folder, 'partial'));
    this.#open = options.open ?? open;
  }

  /** Makes the folders that are missing. @throws {ContentError} NO_ACCESS, READ_ONLY, DISK_FULL */
  static async open(options: FileBlobsOptions): Promise<FileBlobs> {
    const blobs = new FileBlobs(options);
    await makeFolderDurably(blobs.#blobFolder);
    await makeFolderDurably(blobs.#partials.path);
    if (options.alone === true) await blobs.#partials.dropTemporary();
    // A process that was killed between a rename and its sync left a name that is visible and not durable.
    await syncFolder(blobs.#blobFolder);
    return blobs;
  }

  async has(sha256: Digest): Promise<boolean> {
    return (await this.sizeOf(sha256)) !== undefined;
  }

  async sizeOf(sha256: Digest): Promise<number | undefined> {
    const path = this.pathOf(sha256);
    try {
      const { size } = await stat(path);
      if (this.#unsure.has(sha256)) {
        await syncFolder(this.#blobFolder);
        this.#unsure.delete(sha256);
      }
      return size;
    } catch (failure) {
      if (isMissing(failure)) {
        return undefined;
      }
      throw diskFailure(failure, path);
    }
  }

  async held(digests: readonly Digest[]): Promise<ReadonlySet<Digest>> {
    const held = new Set<Digest>();
    for (let from = 0; from < digests.length; from += lookAtOnce) {
      const some = digests.slice(from, from + lookAtOnce);
      const answers = await Promise.all(some.map((sha256) => this.has(sha256)));
      for (const [index, sha256] of some.entries()) {
        if (answers[index] === true) {
          held.add(sha256);
        }
      }
    }
    return held;
  }

  async put(source: AsyncIterable<Uint8Array>, expected: BlobRef, signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted();
      if (await this.#isHeld(expected)) {
        await dismiss(source);
        return;
      }
      const joined = await this.#inFlight.join(expected.sha256, signal, () =>
        this.#store(source, expected, signal),
      );
      if (joined === 'ran') {
        return;
      }
    }
  }

  async ingest(write: (path: string) => Promise<BlobRef | undefined>): Promise<BlobRef | undefined> {
    return this.#partials.withTemporary(async (path) => {
      const expected = await write(path);
      if (expected === undefined || (await this.#isHeld(expected))) {
        return expected;
      }
      const file = await onDisk(path, () => this.#open(path, 'r+'));
      try {
        checkBytes(expected, await onDisk(path, () => hashOf(file)));
      } catch (failure) {
        await file.close();
        throw failure;
      }
      await this.#publish(file, path, expected.sha256);
      return expected;
    });
  }

  async putBytes(bytes: Uint8Array): Promise<BlobRef> {
    const named = { sha256: sha256Of(bytes), sizeBytes: bytes.length };
    await this.put(once(bytes), named, new AbortController().signal);
    return named;
  }

  async resume(expected: BlobRef): Promise<BlobWriter> {
    const { sha256 } = expected;
    const release = this.#partials.claim(sha256);
    try {
      if (await this.#isHeld(expected)) {
        release();
        return new HeldBlobWriter(expected);
      }
      const path = this.#partials.pathOf(sha256);
      return await onDisk(path, () =>
        FileBlobWriter.open(expected, path, {
          openFile: this.#open,
          publish: (file) => this.#publish(file, path, sha256),
          onEnd: release,
        }),
      );
    } catch (failure) {
      release();
      throw failure;
    }
  }

  async *read(
    sha256: Digest,
    range?: { readonly start: number; readonly end?: number },
  ): AsyncGenerator<Uint8Array> {
    const path = this.pathOf(sha256);
    const file = await this.#openHeld(sha256);
    try {
      const { size } = await onDisk(path, () => file.stat());
      const { start, end } = checkedRange(sha256, size, range);
      const chunks = chunksOf(file, start, end);
      for (;;) {
        const next = await onDisk(path, () => chunks.next());
        if (next.done === true) {
          return;
        }
        yield next.value;
      }
    } finally {
      await file.close();
    }
  }

  async readBytes(sha256: Digest, sizeMaxBytes: number): Promise<Uint8Array> {
    const file = await this.#openHeld(sha256);
    try {
      const bytes = await onDisk(this.pathOf(sha256), async () => {
        const { size } = await file.stat();
        if (size > sizeMaxBytes) {
          throw tooLarge(sha256, size, sizeMaxBytes);
        }
        return file.readFile();
      });
      checkBytes({ sha256, sizeBytes: bytes.length }, { sha256: sha256Of(bytes), sizeBytes: bytes.length });
      return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
    } finally {
      await file.close();
    }
  }

  pathOf(sha256: Digest): string {
    return join(this.#blobFolder, sha256);
  }

  async *list(): AsyncGenerator<BlobRef> {
    for await (const name of namesIn(this.#blobFolder)) {
      if (isBlobName(name)) {
        const sha256 = digest(name);
        const sizeBytes = await this.sizeOf(sha256);
        if (sizeBytes !== undefined) {
          yield { sha256, sizeBytes };
        }
      }
    }
  }

  async remove(sha256: Digest): Promise<void> {
    const path = this.pathOf(sha256);
    await onDisk(path, () => rm(path, { force: true }));
  }

  async dropPartials(isWanted: (sha256: Digest) => boolean): Promise<number> {
    return this.#partials.dropUnwanted(isWanted);
  }

  async #isHeld(expected: BlobRef): Promise<boolean> {
    const sizeBytes = await this.sizeOf(expected.sha256);
    if (sizeBytes === undefined) {
      return false;
    }
    if (sizeBytes !== expected.sizeBytes) {
      await this.#removeDamaged(expected.sha256);
      checkBytes(expected, {
        sha256: expected.sha256,
        sizeBytes: (await this.sizeOf(expected.sha256)) ?? expected.sizeBytes,
      });
      return this.has(expected.sha256);
    }
    return true;
  }

  /** A file of the wrong size is either cut off, and then goes, or right, and then whoever expects another size is mistaken. */
  async #removeDamaged(sha256: Digest): Promise<void> {
    const file = await this.#openHeld(sha256);
    try {
      const actual = await onDisk(this.pathOf(sha256), () => hashOf(file));
      if (actual.sha256 !== sha256) {
        await this.remove(sha256);
      }
    } finally {
      await file.close();
    }
  }

  async #store(source: AsyncIterable<Uint8Array>, expected: BlobRef, signal: AbortSignal): Promise<void> {
    await this.#partials.withTemporary(async (path) => {
      const file = await onDisk(path, () => this.#open(path, 'wx', 0o600));
      try {
        const bytes = new ExpectedBytes(expected);
        for await (const chunk of abortable(source, signal)) {
          const position = bytes.sizeBytes;
          bytes.add(chunk);
          await needingRoom(this.#partials.path, { what: 'the blob', sizeBytes: expected.sizeBytes }, () =>
            onDisk(path, () => writeAt(file, chunk, position)),
          );
        }
        bytes.finish();
      } catch (failure) {
        await file.close();
        throw failure;
      }
      await this.#publish(file, path, expected.sha256);
    });
  }

  async #publish(file: FileHandle, from: string, sha256: Digest): Promise<void> {
    this.#unsure.add(sha256);
    await onDisk(this.#blobFolder, () => publishFile(file, from, this.pathOf(sha256)));
    this.#unsure.delete(sha256);
  }

  async #openHeld(sha256: Digest): ReturnType<OpenFile> {
    const path = this.pathOf(sha256);
    try {
      return await this.#open(path, 'r');
    } catch (failure) {
      throw isMissing(failure) ? notHeld(sha256) : diskFailure(failure, path);
    }
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
