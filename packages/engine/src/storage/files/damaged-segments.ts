import { ContentError } from '@sallyport/core/domain/content/content-error';
import type { BlobRef, Tree, TreeFile } from '@sallyport/core/domain/content/tree';
import type { ReleaseFilesPorts } from './release-files.ts';

/** A segment that was held and is not what its name says; it has been dropped. */
export class DamagedSegment extends ContentError {
  constructor(sha256: string, others = 0) {
    super(
      'HASH_MISMATCH',
      `${sha256}${others === 0 ? '' : ` and ${others} more`} in the content library ${others === 0 ? 'was' : 'were'} damaged and ${others === 0 ? 'has' : 'have'} been removed: ` +
        'try again, which replicates what is missing anew, and check the disk',
      { sha256, others },
    );
  }
}

/** Where the disk has damaged one it may have damaged others: all go at once, so that one replication mends them. */
export async function withOthers(
  ports: ReleaseFilesPorts,
  tree: Tree,
  first: DamagedSegment,
  signal: AbortSignal,
): Promise<DamagedSegment> {
  const segments = new Map(tree.files.flatMap((file) => file.segments.map((each) => [each.sha256, each])));
  let others = 0;
  for (const { sha256 } of segments.values()) {
    if ((await ports.blobs.sizeOf(sha256)) === undefined) continue;
    if ((await ports.compute.hashFile(ports.blobs.pathOf(sha256), signal)).sha256 === sha256) continue;
    await ports.blobs.remove(sha256);
    others += 1;
  }
  return new DamagedSegment(String(first.details['sha256']), others);
}

/** Finds out whether the blob or only this copy of it is wrong, and drops a wrong blob. */
export async function damaged(
  ports: ReleaseFilesPorts,
  file: TreeFile,
  written: BlobRef,
  signal: AbortSignal,
): Promise<ContentError> {
  const [only] = file.segments;
  if (only !== undefined && file.segments.length === 1) {
    const held = await ports.compute.hashFile(ports.blobs.pathOf(only.sha256), signal);
    if (held.sha256 !== only.sha256) {
      await ports.blobs.remove(only.sha256);
      return new DamagedSegment(only.sha256);
    }
  }
  return new ContentError(
    written.sizeBytes === file.sizeBytes ? 'HASH_MISMATCH' : 'SIZE_MISMATCH',
    `${file.path} came out as ${written.sha256} (${written.sizeBytes} bytes), not as ${file.sha256} ` +
      `(${file.sizeBytes} bytes): check the disk and try again`,
    { path: file.path, expected: file.sha256, actual: written.sha256 },
  );
}
