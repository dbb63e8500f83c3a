import type { BlobRef } from '@sallyport/core/domain/content/tree';
import type { Digest } from '@sallyport/core/shared/ids';

/** Somewhere blobs can be had from: the cloud's repository, a parent site, a folder. Never trusted: whoever reads verifies. */
export interface ContentSource {
  /** For logs and errors. */
  readonly name: string;
  /** Those of `digests` that the source can give; a source that cannot tell answers all. */
  offers(digests: readonly Digest[], signal: AbortSignal): Promise<ReadonlySet<Digest>>;
  /**
   * The blob's bytes from `offset` on. `startsAt` tells where the bytes really start: a server without ranges
   * answers from 0. Idle time is limited, total time is not.
   * @throws {ContentError} NOT_FOUND, UNREACHABLE, STALLED, BAD_RANGE, TOO_LARGE
   */
  open(
    blob: BlobRef,
    offset: number,
    signal: AbortSignal,
  ): Promise<{ readonly startsAt: number; readonly chunks: AsyncIterable<Uint8Array> }>;
}
