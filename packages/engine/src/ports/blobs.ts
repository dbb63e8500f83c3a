import type { BlobRef } from '@sallyport/core/domain/content/tree';
import type { Digest } from '@sallyport/core/shared/ids';

/**
 * The content library: bytes named by their SHA-256, laid out as `blobs/sha256/<hex>` (the OCI image
 * layout), so that any static server or copy tool can serve it.
 *
 * Visible means verified and durable: nothing appears under its name before length and digest match
 * and it is on disk. Errors are `ContentError`.
 */
export interface Blobs {
  has(digest: Digest): Promise<boolean>;
  /** Size of a held blob, or undefined. */
  sizeOf(digest: Digest): Promise<number | undefined>;
  /** Those of `digests` that are held. */
  held(digests: readonly Digest[]): Promise<ReadonlySet<Digest>>;
  /** Stores a whole source; concurrent calls for one digest share the result. @throws {ContentError} SIZE_MISMATCH, HASH_MISMATCH, DISK_FULL */
  put(source: AsyncIterable<Uint8Array>, expected: BlobRef, signal: AbortSignal): Promise<void>;
  /**
   * Takes in what `write` leaves at the path it is handed (in the library's own folder; nothing is there yet):
   * verified against what `write` resolves to, made durable and visible. `undefined` means that the file is not
   * wanted. Failure leaves nothing behind. @throws {ContentError} SIZE_MISMATCH, HASH_MISMATCH, DISK_FULL
   */
  ingest(write: (path: string) => Promise<BlobRef | undefined>): Promise<BlobRef | undefined>;
  /** Stores bytes at hand and names them. */
  putBytes(bytes: Uint8Array): Promise<BlobRef>;
  /**
   * Goes on with, or begins, a blob that arrives in pieces. One writer a digest at a time. For a blob that is
   * held the writer's offset is the blob's size, and `commit` has nothing left to do.
   * @throws {ContentError} BUSY
   */
  resume(expected: BlobRef): Promise<BlobWriter>;
  /** Chunks of a held blob from `start` (included) to `end` (excluded). @throws {ContentError} NOT_HELD, BAD_RANGE */
  read(digest: Digest, range?: { readonly start: number; readonly end?: number }): AsyncIterable<Uint8Array>;
  /** The whole of a small blob, verified again. @throws {ContentError} NOT_HELD, TOO_LARGE, HASH_MISMATCH */
  readBytes(digest: Digest, sizeMaxBytes: number): Promise<Uint8Array>;
  /** Path of a held blob, for workers that open it themselves. */
  pathOf(digest: Digest): string;
  list(): AsyncIterable<BlobRef>;
  /** Removes a blob; no effect when it is not held. */
  remove(digest: Digest): Promise<void>;
  /** Drops what unfinished writers left of blobs that nobody wants any more, and answers how many bytes; writers at work keep theirs. */
  dropPartials(isWanted: (sha256: Digest) => boolean): Promise<number>;
}

export interface BlobWriter {
  /** Bytes that earlier attempts left, durable and hashed: where to go on. */
  readonly offset: number;
  /** Calls must not overlap. @throws {ContentError} SIZE_MISMATCH beyond the expected size, DISK_FULL */
  write(chunk: Uint8Array): Promise<void>;
  /** Verifies, makes durable and visible. On mismatch the partial bytes are dropped. @throws {ContentError} SIZE_MISMATCH, HASH_MISMATCH, DISK_FULL */
  commit(): Promise<void>;
  /** Ends the writer; keeps the bytes for the next `resume`. */
  suspend(): Promise<void>;
  /** Ends the writer and drops the bytes. */
  discard(): Promise<void>;
}
