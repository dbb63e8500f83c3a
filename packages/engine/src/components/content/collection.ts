import type { BlobRef } from '@sallyport/core/domain/content/tree';
import type { Digest } from '@sallyport/core/shared/ids';
import type { Blobs } from '../../ports/blobs.ts';

export interface CollectionOptions {
  readonly blobs: Blobs;
  /**
   * Every digest that has to stay: the union of `reachableBlobs` of the packages that are installed, wanted or
   * fetched, and whatever else the library is used for. When it throws, nothing is removed.
   */
  readonly roots: () => Promise<ReadonlySet<Digest>>;
  /** Digests that are in use although no root reaches them: `PackageFetcher.isInUse`. */
  readonly isInUse?: (sha256: Digest) => boolean;
}

export interface Collected {
  readonly removed: readonly BlobRef[];
  /** Including what unfinished downloads left. */
  readonly freedBytes: number;
}

/**
 * Removes from the library what no root reaches. What is held is listed before the roots are read, so that a
 * blob that arrives meanwhile, with the package it is for, is never taken for garbage.
 */
export async function collectGarbage(options: CollectionOptions, signal: AbortSignal): Promise<Collected> {
  const { blobs, roots, isInUse = () => false } = options;
  const listed = await Array.fromAsync(blobs.list());
  const reachable = await roots();
  const isNeeded = (sha256: Digest): boolean => reachable.has(sha256) || isInUse(sha256);
  const removed: BlobRef[] = [];
  for (const blob of listed) {
    signal.throwIfAborted();
    if (!isNeeded(blob.sha256)) {
      await blobs.remove(blob.sha256);
      removed.push(blob);
    }
  }
  const droppedBytes = await blobs.dropPartials(isNeeded);
  return { removed, freedBytes: removed.reduce((sum, blob) => sum + blob.sizeBytes, droppedBytes) };
}
