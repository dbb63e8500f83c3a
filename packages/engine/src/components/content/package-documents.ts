import { ContentError } from '@sallyport/core/domain/content/content-error';
import { encodingsDocumentMaxBytes, treeDocumentMaxBytes } from '@sallyport/core/domain/content/tree-rules';
import type { BlobRef, Encodings, Tree } from '@sallyport/core/domain/content/tree';
import type { PackageContent } from '@sallyport/core/domain/updates/package';
import { messageOf } from '@sallyport/core/shared/errors';
import { encodingsProblems, parseEncodings } from '@sallyport/core/wire/encodings';
import { parseTree } from '@sallyport/core/wire/tree';
import type { Blobs } from '../../ports/blobs.ts';

/**
 * The tree of a package, from the library.
 *
 * @throws {ContentError} NOT_HELD, HASH_MISMATCH; CORRUPT when it is no tree or not the one its descriptor describes
 */
export async function readTree(content: PackageContent, blobs: Blobs): Promise<Tree> {
  const tree = parsed(
    content.tree,
    await blobs.readBytes(content.tree.sha256, treeDocumentMaxBytes),
    parseTree,
  );
  const totalBytes = tree.files.reduce((sum, file) => sum + file.sizeBytes, 0);
  if (tree.files.length !== content.fileCount || totalBytes !== content.totalBytes) {
    throw new ContentError(
      'CORRUPT',
      `tree ${content.tree.sha256} has ${String(tree.files.length)} files of ${String(totalBytes)} bytes, its descriptor says ` +
        `${String(content.fileCount)} of ${String(content.totalBytes)}: the vendor has to publish the package again`,
      { sha256: content.tree.sha256 },
    );
  }
  return tree;
}

/**
 * The encodings of a package, from the library.
 *
 * @throws {ContentError} NOT_HELD, HASH_MISMATCH; CORRUPT when they are none, or another tree's
 */
export async function readEncodings(content: PackageContent, tree: Tree, blobs: Blobs): Promise<Encodings> {
  const bytes = await blobs.readBytes(content.encodings.sha256, encodingsDocumentMaxBytes);
  const encodings = parsed(content.encodings, bytes, parseEncodings);
  const [problem] = encodingsProblems(encodings, tree);
  if (problem !== undefined) {
    throw corrupt(content.encodings, `${problem.path} ${problem.message}`);
  }
  return encodings;
}

function parsed<T>(blob: BlobRef, bytes: Uint8Array, parse: (bytes: Uint8Array) => T): T {
  try {
    return parse(bytes);
  } catch (failure) {
    throw corrupt(blob, messageOf(failure), failure);
  }
}

function corrupt(blob: BlobRef, why: string, cause?: unknown): ContentError {
  return new ContentError(
    'CORRUPT',
    `document ${blob.sha256} is what the descriptor names, but not what it should be (${why}): the vendor has to publish the package again`,
    { sha256: blob.sha256 },
    { cause },
  );
}
