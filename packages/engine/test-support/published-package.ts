import type { BlobRef, Encoding, Tree } from '@sallyport/core/domain/content/tree';
import type { PackageContent } from '@sallyport/core/domain/updates/package';
import { encodingsFormat } from '@sallyport/core/wire/encodings';
import { treeFormat } from '@sallyport/core/wire/tree';
import { compressBytes } from '../src/compute/zstd.ts';
import type { Blobs } from '../src/ports/blobs.ts';
import { refOf } from './bytes.ts';

/** The files of a release, by path. */
export type Files = Readonly<Record<string, Uint8Array>>;

export interface PublishedPackage {
  readonly content: PackageContent;
  readonly tree: Tree;
  /** By path: the segment and the blobs of its encodings. */
  readonly segments: Readonly<
    Record<string, { readonly segment: BlobRef; readonly zstd: BlobRef; readonly patch: BlobRef | undefined }>
  >;
}

/** Publishes files into a library, each a segment, with patches against files of the same path in `previous`. */
export async function publish(blobs: Blobs, files: Files, previous: Files = {}): Promise<PublishedPackage> {
  const paths = Object.keys(files).toSorted();
  const segments: Record<string, { segment: BlobRef; zstd: BlobRef; patch: BlobRef | undefined }> = {};
  const encodings = new Map<string, { segment: BlobRef; encodings: Encoding[] }>();
  for (const path of paths) {
    const bytes = files[path] as Uint8Array;
    const segment = await blobs.putBytes(bytes);
    const zstd = await blobs.putBytes(compressBytes(bytes, { level: 3 }));
    const ways: Encoding[] = [{ kind: 'zstd', blob: zstd }];
    const old = previous[path];
    let patch: BlobRef | undefined;
    if (old !== undefined && refOf(old).sha256 !== segment.sha256) {
      patch = await blobs.putBytes(compressBytes(bytes, { level: 3, windowLog: 22, dictionary: old }));
      ways.push({ kind: 'zstd-patch', blob: patch, base: refOf(old), windowLog: 22 });
    }
    segments[path] = { segment, zstd, patch };
    encodings.set(segment.sha256, {
      segment,
      encodings: ways.toSorted((a, b) => a.blob.sizeBytes - b.blob.sizeBytes),
    });
  }
  const tree: Tree = {
    schema: 1,
    files: paths.map((path) => {
      const segment = refOf(files[path] as Uint8Array);
      return {
        path,
        mode: 0o644,
        sizeBytes: segment.sizeBytes,
        sha256: segment.sha256,
        segments: segment.sizeBytes === 0 ? [] : [segment],
      };
    }),
  };
  const listed = [...encodings.values()].filter(({ segment }) => segment.sizeBytes > 0);
  const content = {
    tree: await blobs.putBytes(treeFormat.print(tree)),
    encodings: await blobs.putBytes(
      encodingsFormat.print({
        schema: 1,
        segments: listed.toSorted((a, b) => (a.segment.sha256 < b.segment.sha256 ? -1 : 1)),
      }),
    ),
    fileCount: tree.files.length,
    totalBytes: tree.files.reduce((sum, file) => sum + file.sizeBytes, 0),
  };
  return { content, tree, segments };
}
