import { planRoutes, segmentsOf } from '@sallyport/core/domain/content/route';
import type {
  BlobRef,
  Encoding,
  Encodings,
  SegmentEncodings,
  Tree,
} from '@sallyport/core/domain/content/tree';
import { forEachBounded } from '@sallyport/core/shared/bounded';
import type { Digest } from '@sallyport/core/shared/ids';
import { encodingsFormat } from '@sallyport/core/wire/encodings';
import type { Blobs } from '../../ports/blobs.ts';
import type { Compute } from '../../ports/compute.ts';
import { patchBases } from './patch-bases.ts';
import { KnownEncodings, SegmentEncoder } from './segment-encoder.ts';

/** A release that sites may have when they update. */
export interface PreviousRelease {
  readonly tree: Tree;
  /** What was made for it: the same segment is not encoded twice. */
  readonly encodings?: Encodings;
}

export interface EncodingsInput {
  readonly tree: Tree;
  /** Newest first; patches are made from the first few. */
  readonly previous: readonly PreviousRelease[];
  /** zstd's compression level; the highest sensible one when not given. */
  readonly level?: number;
}

export interface BuiltEncodings {
  readonly encodings: Encodings;
  readonly ref: BlobRef;
  readonly stats: EncodingStats;
}

export interface EncodingStats {
  readonly segments: number;
  readonly patches: number;
  /** Encodings taken over from earlier releases. */
  readonly reused: number;
  /** What a site with nothing fetches, without the two documents. */
  readonly wholeBytes: number;
  /** What a site on each of the previous releases fetches, without the two documents. */
  readonly updateBytes: readonly number[];
}

export interface EncodingsProgress {
  readonly segmentsDone: number;
  readonly segments: number;
  readonly doneBytes: number;
  readonly totalBytes: number;
}

/** One more than the pool's threads, so that none of them waits for the disk. */
const parallel = 3;

/**
 * Makes the ways to a tree's segments, and the document that names them, in the library: each segment compressed,
 * and patches against segments of earlier releases. Only what saves bytes is kept, and only what was unpacked
 * again to exactly the right bytes. The same input gives the same bytes.
 *
 * The segments of `tree` must be held; earlier ones that are not get no patches.
 *
 * @throws {ContentError} NOT_HELD, HASH_MISMATCH for a segment that was damaged on disk, DISK_FULL
 */
export async function buildEncodings(
  { tree, previous, level }: EncodingsInput,
  ports: { readonly blobs: Blobs; readonly compute: Compute },
  signal: AbortSignal,
  onProgress: (progress: EncodingsProgress) => void = () => undefined,
): Promise<BuiltEncodings> {
  const segments = segmentsOf(tree);
  const bases = patchBases(
    tree,
    previous.map((release) => release.tree),
  );
  const encoder = new SegmentEncoder(
    ports,
    await KnownEncodings.of(
      previous.flatMap(({ encodings }) => encodings ?? []),
      ports.blobs,
    ),
    level,
  );
  const failing = new AbortController();
  const within = AbortSignal.any([signal, failing.signal]);
  const encoded = new Map<Digest, SegmentEncodings>();
  const totalBytes = segments.reduce((sum, segment) => sum + segment.sizeBytes, 0);
  let doneBytes = 0;
  // The largest first: then the threads end at about the same time.
  const largestFirst = segments.toSorted((a, b) => b.sizeBytes - a.sizeBytes || compare(a.sha256, b.sha256));
  await forEachBounded(largestFirst, parallel, async (segment) => {
    try {
      const encodings = await encoder.encode(segment, bases.get(segment.sha256) ?? [], within);
      encoded.set(segment.sha256, { segment, encodings: encodings.toSorted(bySizeThenName) });
      doneBytes += segment.sizeBytes;
      onProgress({ segmentsDone: encoded.size, segments: segments.length, doneBytes, totalBytes });
    } catch (failure) {
      failing.abort(failure);
      throw failure;
    }
  });
  const encodings: Encodings = {
    schema: 1,
    segments: [...encoded.values()].toSorted((a, b) => compare(a.segment.sha256, b.segment.sha256)),
  };
  const ref = await ports.blobs.putBytes(encodingsFormat.print(encodings));
  return { encodings, ref, stats: statsOf(tree, encodings, previous, encoder.reused) };
}

function statsOf(
  tree: Tree,
  encodings: Encodings,
  previous: readonly PreviousRelease[],
  reused: number,
): EncodingStats {
  const ways = encodings.segments.flatMap((entry) => entry.encodings);
  const offered = new Set([
    ...segmentsOf(tree).map((segment) => segment.sha256),
    ...ways.map(({ blob }) => blob.sha256),
  ]);
  const bytesFor = (held: readonly BlobRef[]): number =>
    planRoutes({ tree, encodings, held: new Set(held.map((segment) => segment.sha256)), offered })
      .plannedBytes;
  return {
    segments: encodings.segments.length,
    patches: ways.filter(({ kind }) => kind === 'zstd-patch').length,
    reused,
    wholeBytes: bytesFor([]),
    updateBytes: previous.map((release) => bytesFor(segmentsOf(release.tree))),
  };
}

function bySizeThenName(a: Encoding, b: Encoding): number {
  return a.blob.sizeBytes - b.blob.sizeBytes || compare(keyOf(a), keyOf(b));
}

function keyOf(encoding: Encoding): string {
  return encoding.kind === 'zstd' ? encoding.blob.sha256 : `${encoding.blob.sha256} ${encoding.base.sha256}`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
