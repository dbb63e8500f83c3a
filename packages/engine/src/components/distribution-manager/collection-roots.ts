import type { SiteFacts } from '@sallyport/core/domain/exchange/exchange';
import type { UpdateState } from '@sallyport/core/domain/updates/event';
import type { PackageDescriptor } from '@sallyport/core/domain/updates/package';
import type { PackageGuid, Digest } from '@sallyport/core/shared/ids';
import type { Blobs } from '../../ports/blobs.ts';
import type { Releases } from '../../ports/releases.ts';
import type { SiteDatabase } from '../../ports/site-database.ts';
import { reachableBlobs } from '../content/reachable.ts';
import type { TrustedDocuments } from '../hierarchy-manager/trusted-documents.ts';
import { packageOf } from '../hierarchy-manager/trusted-view.ts';

/** In these a site has no use for a package's content; what is installed is kept by other rules. */
const useless: ReadonlySet<UpdateState> = new Set([
  'UNKNOWN',
  'APPLICABILITY_CHECKING',
  'APPLICABILITY_SUCCESS',
  'APPLICABILITY_HIDE',
  'APPLICABILITY_NA',
  'APPLICABILITY_FAILED',
  'INSTALL_SUCCESS',
]);

/** What is installed, and what was before it: roll-back and patches need both. */
const releasesKept = 2;

/** What roots are read from. */
export interface RootPorts {
  readonly database: SiteDatabase;
  readonly blobs: Blobs;
  readonly releases: Releases;
  readonly documents: TrustedDocuments;
}

/**
 * Packages whose content must stay here: every one that any site known here has in hand; of each product, what is
 * installed here and what was before it; and what is installed here while a site below still lacks it and will fetch
 * it from here.
 */
export async function packagesToKeep({
  database,
  releases,
  documents,
}: Omit<RootPorts, 'blobs'>): Promise<readonly PackageDescriptor[]> {
  const { projections, sites } = database.read(({ updates, records }) => ({
    projections: updates.projections(),
    sites: records.list({ kind: 'site-facts' }).map(({ body }) => body as SiteFacts),
  }));
  const wanted = new Set<PackageGuid>(
    projections.flatMap(({ guid, state }) => (useless.has(state) ? [] : [guid])),
  );
  for (const product of await releases.products()) {
    const installed = (await releases.current(product))?.installed ?? [];
    const elsewhere = sites.flatMap((site) => site.products.filter((held) => held.product === product));
    for (const guid of installed.slice(-releasesKept)) wanted.add(guid);
    for (const guid of installed)
      if (elsewhere.some((held) => !held.installed.includes(guid))) wanted.add(guid);
  }
  const view = await documents.view();
  return [...wanted].flatMap((guid) => packageOf(view, guid)?.descriptor ?? []);
}

/** Everything in the content library that must stay: the vendor's documents, and the content of what is kept. */
export async function collectionRoots(ports: RootPorts): Promise<ReadonlySet<Digest>> {
  const roots = new Set<Digest>(await ports.documents.roots());
  for (const { content } of await packagesToKeep(ports)) {
    for (const digest of await reachableBlobs(content, ports.blobs)) roots.add(digest);
  }
  return roots;
}
