import { ContentError } from '@sallyport/core/domain/content/content-error';
import type { BlobRef } from '@sallyport/core/domain/content/tree';
import type { Digest } from '@sallyport/core/shared/ids';
import type { Blobs } from '../../ports/blobs.ts';
import type { Compute } from '../../ports/compute.ts';

export interface Scrubbed {
  readonly checked: number;
  readonly checkedBytes: number;
  /** Blobs whose bytes were not their own any more, or could not be read. */
  readonly removed: readonly BlobRef[];
  /** The last blob that was looked at. */
  readonly last?: Digest;
  /** Whether no blob was left to look at. */
  readonly atEnd?: true;
}

/** Which part of the library a scrub looks at: blobs in the order of their names. */
export interface ScrubPart {
  /** Only blobs after this one. */
  readonly after?: Digest;
  /** Ends after the blob with which so many bytes were read; all of the rest when not given. */
  readonly bytesMax?: number;
}

/**
 * Reads held blobs and compares each with its name. One that differs, or that the disk cannot read, is removed: then
 * it is missing, and the next fetch brings it anew.
 *
 * @param onDamaged awaited before a damaged blob is removed, so that whoever notes it does not lose it to a restart
 */
export async function scrub(
  ports: { readonly blobs: Blobs; readonly compute: Pick<Compute, 'hashFile'> },
  signal: AbortSignal,
  { after, bytesMax = Number.POSITIVE_INFINITY }: ScrubPart = {},
  onDamaged: (blob: BlobRef) => Promise<void> = async () => undefined,
): Promise<Scrubbed> {
  const removed: BlobRef[] = [];
  let scrubbed: Scrubbed = { checked: 0, checkedBytes: 0, removed };
  const held = await Array.fromAsync(ports.blobs.list());
  const inOrder = held.toSorted((a, b) => (a.sha256 < b.sha256 ? -1 : 1));
  for (const blob of inOrder.filter(({ sha256 }) => after === undefined || sha256 > after)) {
    if (scrubbed.checkedBytes >= bytesMax) return scrubbed;
    const health = await healthOf(blob.sha256, ports, signal);
    if (health === 'gone') {
      continue;
    }
    if (health === 'damaged') {
      await onDamaged(blob);
      await ports.blobs.remove(blob.sha256);
      removed.push(blob);
    }
    scrubbed = {
      checked: scrubbed.checked + 1,
      checkedBytes: scrubbed.checkedBytes + blob.sizeBytes,
      removed,
      last: blob.sha256,
    };
  }
  return { ...scrubbed, atEnd: true };
}

/** What the disk says of bytes that it has lost; other failures, such as too many open files, are none of the blob's. */
const unreadable: ReadonlySet<unknown> = new Set(['EIO', 'EBADMSG', 'EUCLEAN']);

/**
 * How a blob compares with its name.
 *
 * @throws {ContentError} for what is none of the blob's fault
 */
export async function healthOf(
  sha256: Digest,
  { blobs, compute }: { readonly blobs: Blobs; readonly compute: Pick<Compute, 'hashFile'> },
  signal: AbortSignal,
): Promise<'good' | 'damaged' | 'gone'> {
  try {
    const actual = await compute.hashFile(blobs.pathOf(sha256), signal);
    return actual.sha256 === sha256 ? 'good' : 'damaged';
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
