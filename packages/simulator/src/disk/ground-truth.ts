import type { Tree } from '@sallyport/core/domain/content/tree';
import type { Digest, ProductId } from '@sallyport/core/shared/ids';
import { nodeDigests } from '@sallyport/engine/compute/digest';
import type { CurrentRelease } from '@sallyport/engine/ports/releases';
import type { DiskContents } from '@sallyport/engine/storage/memory/disk';

const blobFolder = 'memory:blobs/sha256/';

/** What `current.json` of a product says, read without the adapter that wrote it. */
export function currentOnDisk(files: DiskContents, product: ProductId): CurrentRelease | undefined {
  const bytes = files.get(`memory:products/${product}/current.json`);
  if (bytes === undefined) return undefined;
  return JSON.parse(new TextDecoder().decode(bytes)) as CurrentRelease;
}

/** How a release differs from its tree; nothing when it is complete and right. */
export function releaseProblemsOnDisk(
  files: DiskContents,
  product: ProductId,
  folder: string,
  tree: Tree,
): readonly string[] {
  const root = `memory:products/${product}/releases/${folder}/`;
  const wanted = new Map(tree.files.map((file) => [file.path, file.sha256]));
  const problems: string[] = [];
  for (const [path, bytes] of files) {
    if (!path.startsWith(root)) continue;
    const relative = path.slice(root.length);
    if (wanted.get(relative) !== nodeDigests.of('sha256', bytes)) problems.push(relative);
    wanted.delete(relative);
  }
  return [...problems, ...wanted.keys()].toSorted();
}

/** Every blob that is visible, with its bytes. */
export function* digestsOnDisk(files: DiskContents): Generator<readonly [Digest, Uint8Array]> {
  for (const [path, bytes] of files) {
    if (path.startsWith(blobFolder)) yield [path.slice(blobFolder.length) as Digest, bytes];
  }
}
