import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import type { BlobRef } from '@sallyport/core/domain/content/tree';
import type { Digest } from '@sallyport/core/shared/ids';
import { ContentError } from '@sallyport/core/domain/content/content-error';
import type { ContentSource } from '../../ports/content-source.ts';
import { chunksOf } from './blob-files.ts';
import { isMissing } from './file-errors.ts';
import { onDisk } from './on-disk.ts';

/** The blobs of a medium or published folder: `blobs/sha256/<hex>`. Nothing is ever written to it, no link is followed. */
export class FolderContentSource implements ContentSource {
  readonly name: string;
  readonly #blobFolder: string;

  constructor(folder: string) {
    this.name = folder;
    this.#blobFolder = join(folder, 'blobs', 'sha256');
  }

  async offers(digests: readonly Digest[]): Promise<ReadonlySet<Digest>> {
    const offered = new Set<Digest>();
    for (const sha256 of digests) {
      const file = await this.#open(sha256);
      if (file === undefined) continue;
      await file.close();
      offered.add(sha256);
    }
    return offered;
  }

  async open(
    blob: BlobRef,
    offset: number,
  ): Promise<{ readonly startsAt: number; readonly chunks: AsyncIterable<Uint8Array> }> {
    const file = await this.#open(blob.sha256);
    if (file === undefined) {
      throw new ContentError(
        'NOT_FOUND',
        `${this.#blobFolder} has no blob ${blob.sha256}: copy the whole medium again`,
        { sha256: blob.sha256 },
      );
    }
    return { startsAt: offset, chunks: readAndClose(file, offset, blob.sizeBytes) };
  }

  async #open(sha256: Digest): Promise<FileHandle | undefined> {
    const path = join(this.#blobFolder, sha256);
    return onDisk(path, async () => {
      let file: FileHandle;
      try {
        // Without O_NONBLOCK, opening a named pipe on a foreign medium would wait for ever.
        file = await open(
          path,
          constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0),
        );
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw error;
      }
      if ((await file.stat()).isFile()) return file;
      // A folder or a device under the name of a blob: it is none.
      await file.close();
      return undefined;
    });
  }
}

async function* readAndClose(file: FileHandle, start: number, end: number): AsyncGenerator<Uint8Array> {
  try {
    yield* chunksOf(file, start, end);
  } finally {
    await file.close();
  }
}
