import { ContentError, isWrongBytes } from '@sallyport/core/domain/content/content-error';
import { planRoutes } from '@sallyport/core/domain/content/route';
import type { BlobRef } from '@sallyport/core/domain/content/tree';
import { MediumError } from '@sallyport/core/domain/exchange/medium-error';
import type { PackageContent } from '@sallyport/core/domain/updates/package';
import { forEachBounded } from '@sallyport/core/shared/bounded';
import type { Digest } from '@sallyport/core/shared/ids';
import { formatBytes } from '@sallyport/core/shared/units';
import type { Blobs } from '../../ports/blobs.ts';
import type { ContentSource } from '../../ports/content-source.ts';
import { documentsOf } from '../content/document-fetch.ts';
import { readEncodings, readTree } from '../content/package-documents.ts';
import { reachableBlobs } from '../content/reachable.ts';
import { packagesOf, type TrustedView } from '../hierarchy-manager/trusted-view.ts';

/** Blobs that are read side by side: media are slow at many things at once. */
const parallel = 4;

/** What of a content list came into the library. */
export interface TakenContent {
  readonly blobs: number;
  readonly sizeBytes: number;
  readonly knownBlobs: number;
  readonly absentBlobs: number;
  readonly strangeBlobs: number;
  /** Bytes that are not what their names say. */
  readonly damaged: readonly Digest[];
}

/**
 * Takes those blobs of a list that a trusted catalogue names, in whatever order they came to be on the medium: each is
 * verified, and durable, before it is visible. What nobody trusted names stays where it is.
 *
 * @throws {MediumError} FULL before anything is taken; GONE
 * @throws {ContentError} what the library's disk says
 */
export async function takeContent(
  ports: { readonly blobs: Blobs; readonly freeBytes: () => Promise<number> },
  listed: readonly BlobRef[],
  from: ContentSource,
  view: TrustedView,
  signal: AbortSignal,
): Promise<TakenContent> {
  const { blobs } = ports;
  const wanted = new Map(listed.map((blob) => [blob.sha256, blob]));
  const held = await blobs.held([...wanted.keys()]);
  const missingBytes = [...wanted.values()].reduce(
    (sum, { sha256, sizeBytes }) => sum + (held.has(sha256) ? 0 : sizeBytes),
    0,
  );
  await requireRoom(missingBytes, await ports.freeBytes());
  const tally = { blobs: 0, sizeBytes: 0, absentBlobs: 0, damaged: [] as Digest[] };
  const seen = new Set<Digest>();
  const take = async (named: Iterable<Digest>): Promise<void> => {
    const due = [...named].flatMap((sha256) => {
      const blob = seen.has(sha256) ? undefined : wanted.get(sha256);
      seen.add(sha256);
      return blob === undefined || held.has(sha256) ? [] : [blob];
    });
    await forEachBounded(due, parallel, async (blob) => takeOne(blob, blobs, from, tally, signal));
  };
  const contents = packagesOf(view).flatMap(({ descriptor }) => descriptor?.content ?? []);
  // The documents first: they say what else there is.
  await take(contents.flatMap((content) => documentBlobs(content)));
  for (const content of contents) await take(await reachableBlobs(content, blobs));
  return {
    ...tally,
    knownBlobs: held.size,
    strangeBlobs: [...wanted.keys()].filter((sha256) => !seen.has(sha256) && !held.has(sha256)).length,
  };
}

/** Whether a package can be put together from what the library holds, patches included. */
export async function isWhole(content: PackageContent, blobs: Blobs): Promise<boolean> {
  try {
    const tree = await readTree(content, blobs);
    const encodings = (await blobs.has(content.encodings.sha256))
      ? await readEncodings(content, tree, blobs)
      : undefined;
    const names = [
      ...tree.files.flatMap(({ segments }) => segments),
      ...(encodings?.segments ?? []).flatMap((entry) =>
        entry.encodings.flatMap((way) => (way.kind === 'zstd-patch' ? [way.blob, way.base] : [way.blob])),
      ),
    ];
    const held = await blobs.held([...new Set(names.map(({ sha256 }) => sha256))]);
    const plan = planRoutes({
      tree,
      held,
      offered: new Set(),
      ...(encodings === undefined ? {} : { encodings }),
    });
    return plan.unobtainable.length === 0;
  } catch (error) {
    if (error instanceof ContentError) return false;
    throw error;
  }
}

function documentBlobs(content: PackageContent): readonly Digest[] {
  return Object.values(documentsOf(content)).flatMap(({ blob, ways }) => [
    blob.sha256,
    ...ways.map((way) => way.blob.sha256),
  ]);
}

async function takeOne(
  blob: BlobRef,
  blobs: Blobs,
  from: ContentSource,
  tally: { blobs: number; sizeBytes: number; absentBlobs: number; damaged: Digest[] },
  signal: AbortSignal,
): Promise<void> {
  let chunks: AsyncIterable<Uint8Array>;
  try {
    ({ chunks } = await from.open(blob, 0, signal));
  } catch (error) {
    if (!(error instanceof ContentError)) throw error;
    if (error.code !== 'NOT_FOUND') throw gone(from, error);
    tally.absentBlobs += 1;
    return;
  }
  let readFailed = false;
  const watched = async function* (): AsyncGenerator<Uint8Array> {
    try {
      yield* chunks;
    } catch (error) {
      readFailed = true;
      throw error;
    }
  };
  try {
    await blobs.put(watched(), blob, signal);
    tally.blobs += 1;
    tally.sizeBytes += blob.sizeBytes;
  } catch (error) {
    signal.throwIfAborted();
    if (readFailed) throw gone(from, error);
    if (!isWrongBytes(error)) throw error;
    tally.damaged.push(blob.sha256);
  }
}

function gone(from: ContentSource, cause: unknown): MediumError {
  return new MediumError(
    'GONE',
    `${from.name} cannot be read any more: it was pulled out, or fails. What was read until then is kept; put it back and import again`,
    { place: from.name },
    { cause },
  );
}

async function requireRoom(neededBytes: number, freeBytes: number): Promise<void> {
  if (neededBytes <= freeBytes) return;
  throw new MediumError(
    'FULL',
    `the medium brings ${formatBytes(neededBytes)}, and the site’s disk has ${formatBytes(freeBytes)} free: make room and import again; nothing was taken`,
    { neededBytes, freeBytes },
  );
}
