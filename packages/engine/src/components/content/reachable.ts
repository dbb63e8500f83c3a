import { ContentError } from '@sallyport/core/domain/content/content-error';
import { segmentsOf } from '@sallyport/core/domain/content/route';
import type { Tree } from '@sallyport/core/domain/content/tree';
import type { PackageContent } from '@sallyport/core/domain/updates/package';
import type { Digest } from '@sallyport/core/shared/ids';
import type { Blobs } from '../../ports/blobs.ts';
import { documentsOf } from './document-fetch.ts';
import { readEncodings, readTree } from './package-documents.ts';

/**
 * Every blob that a package names: its documents, its segments and the encodings of both, held or not. Collection keeps
 * them, and they are what child sites ask for. Of documents that are not held, or are not what they should be,
 * only the names are known.
 *
 * @throws {ContentError} DISK_FAILED and the like: then nothing may be collected
 */
export async function reachableBlobs(content: PackageContent, blobs: Blobs): Promise<ReadonlySet<Digest>> {
  const { tree: treeDocument, encodings: encodingsDocument } = documentsOf(content);
  const reachable = new Set<Digest>(
    [treeDocument, encodingsDocument].flatMap(({ blob, ways }) => [
      blob.sha256,
      ...ways.map((way) => way.blob.sha256),
    ]),
  );
  const tree = await unlessUnusable(() => readTree(content, blobs));
  if (tree === undefined) {
    return reachable;
  }
  for (const segment of segmentsOf(tree)) {
    reachable.add(segment.sha256);
  }
  for (const sha256 of await encodedBlobs(content, tree, blobs)) {
    reachable.add(sha256);
  }
  return reachable;
}

async function encodedBlobs(content: PackageContent, tree: Tree, blobs: Blobs): Promise<readonly Digest[]> {
  const encodings = await unlessUnusable(() => readEncodings(content, tree, blobs));
  return (encodings?.segments ?? []).flatMap((entry) => entry.encodings.map(({ blob }) => blob.sha256));
}

async function unlessUnusable<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (failure) {
    if (
      failure instanceof ContentError &&
      ['NOT_HELD', 'HASH_MISMATCH', 'CORRUPT', 'TOO_LARGE'].includes(failure.code)
    ) {
      return undefined;
    }
    throw failure;
  }
}
