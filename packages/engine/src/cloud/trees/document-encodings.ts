import { planBlobs } from '@sallyport/core/domain/content/route';
import {
  type BlobRef,
  type DocumentEncodings,
  type Encoding,
  segmentSizeMaxBytes,
} from '@sallyport/core/domain/content/tree';
import type { PackageContent } from '@sallyport/core/domain/updates/package';
import type { Digest } from '@sallyport/core/shared/ids';
import type { Blobs } from '../../ports/blobs.ts';
import type { Compute } from '../../ports/compute.ts';
import { previousReleasesMax } from './patch-bases.ts';
import { KnownEncodings, SegmentEncoder } from './segment-encoder.ts';

/** The two documents of a package. */
export type Documents = Pick<PackageContent, 'encodings' | 'tree'>;

const kinds = ['tree', 'encodings'] as const;

/**
 * Makes the ways to a package's two documents, in the library: each compressed, and as patches against the same
 * document of earlier releases, proved as those of segments are. The same input gives the same bytes.
 *
 * @param documents held in the library; one that is larger than a segment gets no encodings
 * @param previous newest first; patches are made from the first few
 * @throws {ContentError} NOT_HELD, HASH_MISMATCH for a document that was damaged on disk, DISK_FULL
 */
export async function encodeDocuments(
  {
    documents,
    previous,
    level,
  }: {
    readonly documents: Documents;
    readonly previous: readonly Documents[];
    /** zstd's compression level; the highest sensible one when not given. */
    readonly level?: number;
  },
  ports: { readonly blobs: Blobs; readonly compute: Compute },
  signal: AbortSignal,
): Promise<DocumentEncodings> {
  const encoder = new SegmentEncoder(ports, await KnownEncodings.of([], ports.blobs), level);
  const waysTo = async (kind: keyof Documents): Promise<readonly Encoding[]> => {
    const document = documents[kind];
    const older = new Map(
      previous.slice(0, previousReleasesMax).map((release) => [release[kind].sha256, release[kind]]),
    );
    older.delete(document.sha256);
    const bases = [...older.values()].filter(fits);
    return fits(document) ? encoder.encode(document, bases, signal) : [];
  };
  return { tree: await waysTo('tree'), encodings: await waysTo('encodings') };
}

/** Bytes that a site fetches for a package's documents when it holds those of `held`. */
export function documentBytes(
  content: Documents & Pick<PackageContent, 'documentEncodings'>,
  held: Documents | undefined,
): number {
  return kinds.reduce((sum, kind) => {
    const ways = content.documentEncodings?.[kind] ?? [];
    const offered = [content[kind], ...ways.map(({ blob }) => blob)].map(({ sha256 }) => sha256);
    const { plannedBytes } = planBlobs({
      wanted: [content[kind]],
      ways: new Map([[content[kind].sha256, ways]]),
      held: new Set<Digest>(held === undefined ? [] : [held[kind].sha256]),
      offered: new Set(offered),
    });
    return sum + plannedBytes;
  }, 0);
}

function fits({ sizeBytes }: BlobRef): boolean {
  return sizeBytes > 0 && sizeBytes <= segmentSizeMaxBytes;
}
