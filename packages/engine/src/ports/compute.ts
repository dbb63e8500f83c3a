import type { BlobRef } from '@sallyport/core/domain/content/tree';
import type { Digest } from '@sallyport/core/shared/ids';

/** Heavy work off the main thread: hashing and zstd, in a pool of workers. Errors are `ContentError`. */
export interface Compute {
  /** SHA-256 and size of a file. */
  hashFile(path: string, signal: AbortSignal): Promise<BlobRef>;
  /**
   * Decompresses `source` into `target` (which must not exist yet), hashing what comes out.
   * Fails when it is not exactly `expected`; output beyond `expected.sizeBytes` is refused while it comes.
   * The caller makes `target` durable and visible. @throws {ContentError} CORRUPT, SIZE_MISMATCH, HASH_MISMATCH
   */
  decompressFile(
    work: {
      readonly source: string;
      readonly target: string;
      readonly dictionary?: string;
      readonly windowLog?: number;
      readonly expected: BlobRef;
    },
    signal: AbortSignal,
  ): Promise<void>;
  /** Compresses a file into `target`; deterministic for equal input and parameters. Resolves to the result's digest and size. */
  compressFile(
    work: {
      readonly source: string;
      readonly target: string;
      readonly dictionary?: string;
      readonly level: number;
      readonly windowLog?: number;
    },
    signal: AbortSignal,
  ): Promise<BlobRef>;
  /** SHA-256 of bytes at hand, at once. */
  sha256(bytes: Uint8Array): Digest;
  close(): Promise<void>;
}
