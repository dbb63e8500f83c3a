import { ContentError } from '@sallyport/core/domain/content/content-error';
import type { BlobRef } from '@sallyport/core/domain/content/tree';
import type { MediumHierarchy, MediumIndex } from '@sallyport/core/domain/exchange/medium';
import { MediumError } from '@sallyport/core/domain/exchange/medium-error';
import type { Digest, HierarchyId } from '@sallyport/core/shared/ids';
import { mediumIndexFormat, mediumIndexName } from '@sallyport/core/wire/medium';
import { readMediumIndex } from '@sallyport/core/wire/medium-reading';
import type { ContentSource } from '../../ports/content-source.ts';
import type { MediumFolder } from '../../ports/media.ts';
import type { OpenMedium } from './connection-ports.ts';

/** A medium with its index, which has been read and not been believed. */
export interface IndexedMedium extends OpenMedium {
  readonly index: MediumIndex;
}

/** @throws {MediumError} NOT_A_MEDIUM, EDITED, TOOL_OLDER, UNSAFE, GONE, UNREADABLE */
export async function indexOf(folder: MediumFolder): Promise<MediumIndex> {
  // Nothing of that name is there: it asks whether the way to the blobs is one of plain folders.
  await folder.read('blobs/sha256/any', 1);
  const bytes = await folder.read(mediumIndexName, mediumIndexFormat.maxBytes);
  if (bytes === undefined) {
    throw new MediumError(
      'NOT_A_MEDIUM',
      `${folder.place} has no ${mediumIndexName}: it is no medium, or is not mounted, or was never written to its end; name the folder that "sallyport tool connect" wrote`,
      { place: folder.place },
    );
  }
  return readMediumIndex(bytes, `${folder.place}/${mediumIndexName}`);
}

/** What media have for a hierarchy. @throws {MediumError} OTHER_HIERARCHY */
export function entryFor(media: readonly IndexedMedium[], hierarchyId: HierarchyId): MediumHierarchy {
  const all = media.flatMap(({ index }) => index.hierarchies);
  const own = all.filter((entry) => entry.hierarchyId === hierarchyId);
  const newest = own.toSorted((a, b) => b.epoch - a.epoch || b.sequence - a.sequence)[0];
  if (newest !== undefined) return newest;
  const others = [...new Set(all.map((entry) => entry.hierarchyId.slice(0, 12)))].join(', ');
  throw new MediumError(
    'OTHER_HIERARCHY',
    `nothing on ${media.map(({ folder }) => folder.place).join(', ')} is for this hierarchy ${hierarchyId.slice(0, 12)}…: it was written for ${others || 'nobody'}. Take the medium that answers this hierarchy’s request, or let its request file go on the next trip`,
    { hierarchy: hierarchyId },
  );
}

/** Whether parts of one medium are missing, or were not written to their end. */
export function isComplete(media: readonly IndexedMedium[]): boolean {
  const [first] = media;
  if (first === undefined || media.some(({ index }) => !index.complete)) return false;
  const parts = new Set(media.map(({ index }) => index.part));
  return Array.from({ length: first.index.parts }, (_, at) => at + 1).every((part) => parts.has(part));
}

/** Several media as one source: whichever has a blob gives it. */
export function contentOf(media: readonly OpenMedium[]): ContentSource {
  const name = media.map(({ content }) => content.name).join(', ');
  return {
    name,
    offers: async (digests, signal) => {
      const offered = new Set<Digest>();
      for (const { content } of media)
        for (const sha256 of await content.offers(digests, signal)) offered.add(sha256);
      return offered;
    },
    open: async (blob: BlobRef, offset, signal) => {
      for (const { content } of media) {
        try {
          return await content.open(blob, offset, signal);
        } catch (error) {
          if (!(error instanceof ContentError) || error.code !== 'NOT_FOUND') throw error;
        }
      }
      throw new ContentError('NOT_FOUND', `${name} has no blob ${blob.sha256}`, { sha256: blob.sha256 });
    },
  };
}
