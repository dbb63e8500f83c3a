import { type FileHandle, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { BlobRef } from '@sallyport/core/domain/content/tree';
import type { BlobWriter } from '../../ports/blobs.ts';
import { ExpectedBytes, writerClosed } from '../expected-bytes.ts';
import { chunksOf, type OpenFile, syncOrDrop, writeAt } from './blob-files.ts';
import { fileErrorCode } from './file-errors.ts';
import { needingRoom, onDisk } from './on-disk.ts';

/** What a writer is handed by its library. */
export interface BlobWriterHooks {
  readonly openFile: OpenFile;
  /** Makes the complete, verified file durable and visible, and closes it. */
  readonly publish: (file: FileHandle) => Promise<void>;
  /** Called once the writer has ended. */
  readonly onEnd: () => void;
}

/**
 * Writes one blob in pieces to `partial/<hex>`. The file holds a prefix of the blob and nothing else: a failed
 * write is cut off again, so that whoever goes on begins where the hashed bytes end.
 */
export class FileBlobWriter implements BlobWriter {
  readonly offset: number;
  readonly #file: FileHandle;
  readonly #bytes: ExpectedBytes;
  readonly #path: string;
  readonly #hooks: BlobWriterHooks;
  #state: 'open' | 'failed' | 'ended' = 'open';

  private constructor(file: FileHandle, bytes: ExpectedBytes, path: string, hooks: BlobWriterHooks) {
    this.offset = bytes.sizeBytes;
    this.#file = file;
    this.#bytes = bytes;
    this.#path = path;
    this.#hooks = hooks;
  }

  /** Opens what earlier attempts left and hashes it again. More bytes than expected are somebody's mistake: then it begins anew. */
  static async open(expected: BlobRef, path: string, hooks: BlobWriterHooks): Promise<FileBlobWriter> {
    const file = await openPartial(path, hooks.openFile);
    try {
      const { size } = await file.stat();
      if (size > expected.sizeBytes) {
        await file.truncate(0);
      }
      const bytes = new ExpectedBytes(expected);
      for await (const chunk of chunksOf(file, 0, expected.sizeBytes)) {
        bytes.add(chunk);
      }
      return new FileBlobWriter(file, bytes, path, hooks);
    } catch (failure) {
      await file.close();
      throw failure;
    }
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.#mustBe('open');
    const position = this.#bytes.sizeBytes;
    this.#bytes.mustHaveRoom(chunk.length);
    const needed = { what: 'the blob', sizeBytes: this.#bytes.expected.sizeBytes };
    const writing = needingRoom(dirname(this.#path), needed, () =>
      onDisk(this.#path, () => writeAt(this.#file, chunk, position)),
    );
    // A thread of its own hands the bytes to the disk, while this one hashes them.
    this.#bytes.add(chunk);
    try {
      await writing;
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
      await this.#hooks.publish(this.#file);
    } finally {
      this.#hooks.onEnd();
    }
  }

  async suspend(): Promise<void> {
    await this.#end(() => syncOrDrop(this.#file, this.#path));
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
      this.#hooks.onEnd();
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
    if (fileErrorCode(failure) === 'ENOENT') {
      return openFile(path, 'wx+', 0o600);
    }
    throw failure;
  }
}
