import { planRoutes } from '@sallyport/core/domain/content/route';
import type { BlobRef } from '@sallyport/core/domain/content/tree';
import type { PackageContent } from '@sallyport/core/domain/updates/package';
import type { Digest } from '@sallyport/core/shared/ids';
import type { Blobs } from '../../ports/blobs.ts';
import type { ContentSource } from '../../ports/content-source.ts';
import { readEncodings, readTree } from '../content/package-documents.ts';
import type { HaveSet } from '../service-connection/have-set.ts';

/** What one hierarchy lacks of one package. */
export interface WantedContent {
  readonly blobs: readonly BlobRef[];
  /** Segments that the vendor has no way to at present. */
  readonly unobtainable: readonly BlobRef[];
}

/**
 * The blobs by which a hierarchy can put a package together with what it has: a patch where it has what that builds on,
 * else the compressed segment, else the segment itself; and the package's documents. Each package by itself, for nobody
 * knows in which order the site will want them.
 *
 * @param documents where tree and encodings are, as they are
 */
export async function wantedContent(
  content: PackageContent,
  have: HaveSet,
  { documents, source }: { readonly documents: Blobs; readonly source: ContentSource },
  signal: AbortSignal,
): Promise<WantedContent> {
  const tree = await readTree(content, documents);
  const encodings = (await documents.has(content.encodings.sha256))
    ? await readEncodings(content, tree, documents)
    : undefined;
  const segments = tree.files.flatMap((file) => file.segments.map(({ sha256 }) => sha256));
  const ways = (encodings?.segments ?? []).flatMap((entry) => entry.encodings);
  const encoded = ways.map(({ blob }) => blob.sha256);
  const bases = ways.flatMap((way) => (way.kind === 'zstd-patch' ? [way.base.sha256] : []));
  const held = have.of([...segments, ...encoded, ...bases]);
  const asked = [...new Set<Digest>([...segments, ...encoded])].filter((sha256) => !held.has(sha256));
  const offered = asked.length === 0 ? new Set<Digest>() : await source.offers(asked, signal);
  const plan = planRoutes({ tree, held, offered, ...(encodings === undefined ? {} : { encodings }) });
  const routes = plan.steps.map(({ route }) => route.blob).filter(({ sha256 }) => !held.has(sha256));
  const documentBlobs = [content.tree, ...(encodings === undefined ? [] : [content.encodings])];
  return {
    blobs: [...documentBlobs.filter(({ sha256 }) => !have.has(sha256)), ...routes],
    unobtainable: plan.unobtainable,
  };
}
