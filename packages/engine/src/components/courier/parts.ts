import type { BlobRef } from '@sallyport/core/domain/content/tree';
import { MediumError } from '@sallyport/core/domain/exchange/medium-error';
import type { Digest } from '@sallyport/core/shared/ids';
import { formatBytes } from '@sallyport/core/shared/units';

/** Which blobs go on which part of a medium. */
export type PartPlan = readonly (readonly BlobRef[])[];

/**
 * Deals blobs out over parts of a given size. A blob that a part has already stays there; the others go, in their
 * order, to the first part that has room. Without a limit there is one part.
 *
 * @param overheadBytes what each part carries besides: metadata, answers, index
 * @param held by part, what it has already
 * @throws {MediumError} FULL when a part could not even hold one of them
 */
export function dealOut(
  blobs: readonly BlobRef[],
  held: readonly ReadonlySet<Digest>[],
  limits: { readonly maxBytes: number | undefined; readonly overheadBytes: number },
): PartPlan {
  const { maxBytes, overheadBytes } = limits;
  if (maxBytes === undefined) return [blobs];
  const room = maxBytes - overheadBytes;
  const parts: BlobRef[][] = held.map((there) => blobs.filter(({ sha256 }) => there.has(sha256)));
  const placed = new Set(parts.flatMap((part) => part.map(({ sha256 }) => sha256)));
  const used = parts.map((part) => part.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0));
  for (const blob of blobs) {
    if (placed.has(blob.sha256)) continue;
    if (blob.sizeBytes > room) {
      throw new MediumError(
        'FULL',
        `a part of ${formatBytes(maxBytes)} has no room for one blob of ${formatBytes(blob.sizeBytes)} beside ${formatBytes(overheadBytes)} of metadata and answers: let parts be larger (--max-size)`,
        { maxBytes, sizeBytes: blob.sizeBytes },
      );
    }
    let at = used.findIndex((bytes) => bytes + blob.sizeBytes <= room);
    if (at === -1) at = parts.push([]) - 1;
    used[at] = (used[at] ?? 0) + blob.sizeBytes;
    parts[at]?.push(blob);
  }
  return parts.length === 0 ? [[]] : parts;
}
