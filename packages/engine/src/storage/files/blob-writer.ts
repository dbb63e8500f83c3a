import { type FileHandle, rm } from 'node:fs/promises';
import type { BlobRef } from '@sallyport/core/domain/content/tree';
import type { BlobWriter } from '../../ports/blobs.ts';
import { ExpectedBytes, writerClosed } from '../expected-bytes.ts';
import { chunksOf, onDisk, type OpenFile, publishFile, writeAt } from './blob-files.ts';

/**
 * Writes one blob in pieces to `partial/<hex>`. The file holds a prefix of the blob and nothing else: a failed
 * write is cut off again, so that whoever goes on begins where the hashed bytes end.
 */
export class FileBlobWriter implements BlobWriter {
  readonly offset: number;
  readonly #file: FileHandle;
  readonly #bytes: ExpectedBytes;
  readonly #path: string;
  readonly #target: string;
  readonly #onEnd: () => void;
  #state: 'open' | 'failed' | 'ended' = 'open';

  private constructor(
    file: FileHandle,
    bytes: ExpectedBytes,
    paths: { readonly path: string; readonly target: string },
    onEnd: () => void,
  ) {
    this.offset = bytes.sizeBytes;
    this.#file = file;
    this.#bytes = bytes;
    this.#path = paths.path;
    this.#target = paths.target;
    this.#onEnd = onEnd;
  }

  /** Opens what earlier attempts left and hashes it again. More bytes than expected are somebody's mistake: then it begins anew. */
  static async open(
    expected: BlobRef,
    paths: { readonly path: string; readonly target: string },
    openFile: OpenFile,
    onEnd: () => void,
  ): Promise<FileBlobWriter> {
    const file = await openPartial(paths.path, openFile);
    try {
      const { size } = await file.stat();
      if (size > expected.sizeBytes) {
        await file.truncate(0);
      }
      const bytes = new ExpectedBytes(expected);
      for await (const chunk of chunksOf(file, 0, expected.sizeBytes)) {
        bytes.add(chunk);
      }
      return new FileBlobWriter(file, bytes, paths, onEnd);
    } catch (failure) {
      await file.close();
      throw failure;
    }
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.#mustBe('open');
    const position = this.#bytes.sizeBytes;
    this.#bytes.add(chunk);
    try {
      await onDisk(this.#path, () => writeAt(this.#file, chunk, position));
    } catch (failure) {
      // The hash has moved on without the bytes: this writer cannot, but the bytes before stay good.
      this.#state = 'failed';
      await this.#file.truncate(position).catch(() => undefined);
      throw failure;
    }
  }

  async commit(): Promise<void> {
    this.#mustBe('open');
    try {
      this.#bytes.finish();
    } catch (mismatch) {
      await this.discard();
      throw mismatch;
    }
    this.#state = 'ended';
    try {
      await onDisk(this.#target, () => publishFile(this.#file, this.#path, this.#target));
    } finally {
      this.#onEnd();
    }
  }

  async suspend(): Promise<void> {
    await this.#end(() => this.#file.sync());
  }

  async discard(): Promise<void> {
    await this.#end(() => rm(this.#path, { force: true }));
  }

  async #end(last: () => Promise<void>): Promise<void> {
    if (this.#state === 'ended') {
      return;
    }
    this.#state = 'ended';
    try {
      await onDisk(this.#path, async () => {
        try {
          await last();
        } finally {
          await this.#file.close();
        }
      });
    } finally {
      this.#onEnd();
    }
  }

  #mustBe(state: 'open'): void {
    if (this.#state !== state) {
      throw writerClosed(this.#bytes.expected.sha256);
    }
  }
}

async function openPartial(path: string, openFile: OpenFile): Promise<FileHandle> {
  try {
    return await openFile(path, 'r+', 0o600);
  } catch (failure) {
    if (failure instanceof Error && 'code' in failure && failure.code === 'ENOENT') {
      return openFile(path, 'wx+', 0o600);
    }
    throw failure;
  }
}
