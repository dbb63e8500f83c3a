import { createHash, type Hash } from 'node:crypto';
import { type ChunkSizes, ContentCutter, publishedChunkSizes } from '@sallyport/core/domain/content/chunking';
import type { BlobRef } from '@sallyport/core/domain/content/tree';
import { digest } from '@sallyport/core/shared/ids';
import type { Blobs } from '../../ports/blobs.ts';

/** A file that is in the library, segment by segment. */
export interface StoredFile extends BlobRef {
  readonly segments: readonly BlobRef[];
}

/**
 * Puts a file into the library: as one segment when it fits, else cut by content. Holds one segment in
 * memory at a time.
 *
 * @param sizeBytes as the source says; a file that turns out longer or shorter gives other segments and says so by its size
 */
export async function storeFile(
  chunks: AsyncIterable<Uint8Array>,
  sizeBytes: number,
  blobs: Blobs,
  sizes: ChunkSizes = publishedChunkSizes,
): Promise<StoredFile> {
  const whole = createHash('sha256');
  const segments: BlobRef[] = [];
  let stored = 0;
  const cut =
    sizeBytes <= sizes.maxBytes ? wholeSegments(chunks, sizes.maxBytes) : contentSegments(chunks, sizes);
  for await (const segment of cut) {
    stored += addTo(whole, segment);
    segments.push(await blobs.putBytes(segment));
    if (stored > sizeBytes) {
      break;
    }
  }
  return { sha256: digest(whole.digest('hex')), sizeBytes: stored, segments };
}

/** The segments of a large file: cut where its content says so, each complete in memory of its own. */
async function* contentSegments(
  chunks: AsyncIterable<Uint8Array>,
  sizes: ChunkSizes,
): AsyncGenerator<Uint8Array> {
  const cutter = new ContentCutter(sizes);
  let parts: Uint8Array[] = [];
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = cutter.cut(chunk, start); end !== undefined; end = cutter.cut(chunk, start)) {
      yield Buffer.concat([...parts, chunk.subarray(start, end)]);
      parts = [];
      start = end;
    }
    if (start < chunk.length) {
      parts.push(chunk.subarray(start));
    }
  }
  if (parts.length > 0) {
    yield Buffer.concat(parts);
  }
}

/** All bytes as one segment, none for an empty file; more than the maximum only when the file grew meanwhile. */
async function* wholeSegments(
  chunks: AsyncIterable<Uint8Array>,
  maxBytes: number,
): AsyncGenerator<Uint8Array> {
  const parts: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of chunks) {
    parts.push(chunk);
    sizeBytes += chunk.length;
    if (sizeBytes > maxBytes) {
      break;
    }
  }
  if (sizeBytes > 0) {
    yield Buffer.concat(parts);
  }
}

function addTo(hash: Hash, bytes: Uint8Array): number {
  hash.update(bytes);
  return bytes.length;
}
