import type { Digest } from '../../shared/ids.ts';

/** Names bytes held in a content library or repository: `blobs/sha256/<hex>`. */
export interface BlobRef {
  readonly sha256: Digest;
  readonly sizeBytes: number;
}

/** A file above this is cut by content into several segments when it is published. */
export const segmentSizeMaxBytes = 32 * 1024 * 1024;

/**
 * The files of one release: what it is, whatever way it travels.
 *
 * Paths are relative, `/`-separated, sorted by code unit, free of `.`, `..`, empty parts, control
 * characters, backslashes, and of two names that differ in case only. `mode` is 0o644 or 0o755. The concatenation of a
 * file's segments is the file; an empty file has none. Serialised as canonical JSON, so the same
 * files give the same bytes and the same SHA-256.
 */
export interface Tree {
  readonly schema: 1;
  readonly files: readonly TreeFile[];
}

export interface TreeFile {
  readonly path: string;
  readonly mode: 0o644 | 0o755;
  readonly sizeBytes: number;
  readonly sha256: Digest;
  readonly segments: readonly BlobRef[];
}

/**
 * The ways in which the segments of a tree can be fetched, apart from the tree itself: a new patch
 * changes this document, never the identity of the release.
 */
export interface Encodings {
  readonly schema: 1;
  /** One entry a segment of the tree, sorted by segment digest; encodings sorted by blob size. */
  readonly segments: readonly SegmentEncodings[];
}

export interface SegmentEncodings {
  readonly segment: BlobRef;
  readonly encodings: readonly Encoding[];
}

/**
 * The ways to a package's two documents other than as they are. Documents of neighbouring releases are much alike, so
 * these are patches against theirs. A document above `segmentSizeMaxBytes` has none.
 */
export interface DocumentEncodings {
  readonly tree: readonly Encoding[];
  readonly encodings: readonly Encoding[];
}

export type Encoding =
  /** The segment compressed by itself. */
  | { readonly kind: 'zstd'; readonly blob: BlobRef }
  /** Compressed with an older segment, whole, as dictionary; `windowLog` bounds the decoder's memory. */
  | {
      readonly kind: 'zstd-patch';
      readonly blob: BlobRef;
      readonly base: BlobRef;
      readonly windowLog: number;
    };
