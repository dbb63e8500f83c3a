import { ContentError } from '@sallyport/core/domain/content/content-error';
import type { BlobRef } from '@sallyport/core/domain/content/tree';
import type { Blobs } from '../../ports/blobs.ts';
import type { Compute } from '../../ports/compute.ts';

export interface Scrubbed {
  readonly checked: number;
  readonly checkedBytes: number;
  /** Blobs whose bytes were not their own any more, or could not be read. */
  readonly removed: readonly BlobRef[];
}

/**
 * Reads every held blob and compares it with its name. One that differs, or that the disk cannot read, is
 * removed: then it is missing, and the next fetch brings it anew.
 */
export async function scrub(
  ports: { readonly blobs: Blobs; readonly compute: Compute },
  signal: AbortSignal,
  onProgress: (soFar: Scrubbed) => void = () => undefined,
): Promise<Scrubbed> {
  const removed: BlobRef[] = [];
  let scrubbed: Scrubbed = { checked: 0, checkedBytes: 0, removed };
  for (const blob of await Array.fromAsync(ports.blobs.list())) {
    const health = await healthOf(blob, ports, signal);
    if (health === 'gone') {
      continue;
    }
    if (health === 'damaged') {
      await ports.blobs.remove(blob.sha256);
      removed.push(blob);
    }
    scrubbed = {
      checked: scrubbed.checked + 1,
      checkedBytes: scrubbed.checkedBytes + blob.sizeBytes,
      removed,
    };
    onProgress(scrubbed);
  }
  return scrubbed;
}

/** What the disk says of bytes that it has lost; other failures, such as too many open files, are none of the blob's. */
const unreadable: ReadonlySet<unknown> = new Set(['EIO', 'EBADMSG', 'EUCLEAN']);

async function healthOf(
  blob: BlobRef,
  { blobs, compute }: { readonly blobs: Blobs; readonly compute: Compute },
  signal: AbortSignal,
): Promise<'good' | 'damaged' | 'gone'> {
  try {
    const actual = await compute.hashFile(blobs.pathOf(blob.sha256), signal);
    return actual.sha256 === blob.sha256 ? 'good' : 'damaged';
  } catch (failure) {
    if (failure instanceof ContentError && failure.code === 'NOT_HELD') {
      return 'gone';
    }
    if (failure instanceof ContentError && unreadable.has(failure.details['errno'])) {
      return 'damaged';
    }
    throw failure;
  }
}
