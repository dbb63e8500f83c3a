import { ContentError } from '@sallyport/core/domain/content/content-error';
import type { BlobRef } from '@sallyport/core/domain/content/tree';
import type { OfferedPackage } from '@sallyport/core/domain/exchange/exchange';
import type { MediumChoice, MediumPackage } from '@sallyport/core/domain/exchange/medium';
import { choosePackages } from '@sallyport/core/domain/exchange/medium-choice';
import type { Catalogue, CatalogueEntry, PackageDescriptor } from '@sallyport/core/domain/updates/package';
import { messageOf } from '@sallyport/core/shared/errors';
import type { Digest, PackageGuid } from '@sallyport/core/shared/ids';
import { parseDescriptor } from '@sallyport/core/wire/descriptor';
import type { Blobs } from '../../ports/blobs.ts';
import type { ContentSource } from '../../ports/content-source.ts';
import type { BlobDownload } from '../content/blob-download.ts';
import { fetchDescriptors } from '../hierarchy-manager/descriptor-fetch.ts';
import { HaveSet } from '../service-connection/have-set.ts';
import { haveName } from '../service-connection/request-names.ts';
import type { Digests } from '../../ports/digests.ts';
import { isOfDisk } from './medium-faults.ts';
import { type OpenRequest, partOf } from './requests.ts';
import { wantedContent } from './wanted-content.ts';

/** What one hierarchy is to be brought. */
export interface HierarchyPlan {
  readonly packages: readonly MediumPackage[];
  readonly blobs: ReadonlyMap<Digest, BlobRef>;
  /** What it needs and the vendor does not give at present. */
  readonly unobtainable: readonly BlobRef[];
  readonly problems: readonly string[];
}

export interface PlanPorts {
  /** Documents that the plan is made of come here: they travel along. */
  readonly documents: Blobs;
  readonly source: ContentSource;
  readonly download: BlobDownload;
  readonly digests: Digests;
}

/** The descriptors of catalogues, fetched unless they are there. */
export async function descriptorsOf(
  catalogues: readonly Catalogue[],
  { documents, source }: PlanPorts,
  signal: AbortSignal,
): Promise<{
  readonly descriptors: ReadonlyMap<PackageGuid, PackageDescriptor>;
  readonly problems: readonly string[];
}> {
  const descriptors = new Map<PackageGuid, PackageDescriptor>();
  const problems: string[] = [];
  for (const catalogue of catalogues) {
    for (const { message } of await fetchDescriptors(catalogue, documents, source, signal))
      problems.push(message);
    for (const { guid, descriptor } of catalogue.packages) {
      if (!(await documents.has(descriptor.sha256))) continue;
      try {
        descriptors.set(
          guid,
          parseDescriptor(await documents.readBytes(descriptor.sha256, descriptor.sizeBytes)),
        );
      } catch (error) {
        problems.push(`the descriptor of package ${guid} cannot be understood: ${messageOf(error)}`);
      }
    }
  }
  return { descriptors, problems };
}

/** Chooses the packages for one hierarchy, and what of them it lacks. */
export async function planFor(
  opened: OpenRequest,
  vendor: {
    readonly catalogues: readonly Catalogue[];
    readonly descriptors: ReadonlyMap<PackageGuid, PackageDescriptor>;
    readonly choice: MediumChoice | undefined;
    readonly offered: ReadonlyMap<PackageGuid, OfferedPackage> | undefined;
  },
  ports: PlanPorts,
  signal: AbortSignal,
): Promise<HierarchyPlan> {
  const { request } = opened;
  const have = new HaveSet(await partOf(opened, haveName, ports.digests));
  const blobs = new Map<Digest, BlobRef>();
  const packages: MediumPackage[] = [];
  const unobtainable: BlobRef[] = [];
  const problems: string[] = [];
  const add = (blob: BlobRef): void => {
    if (!have.has(blob.sha256)) blobs.set(blob.sha256, blob);
  };
  for (const { product, version } of request.products) {
    const catalogue = vendor.catalogues.find((each) => each.product === product);
    if (catalogue === undefined) {
      problems.push(`the vendor publishes no catalogue of ${product}`);
      continue;
    }
    // A catalogue without its descriptors is of no use to the site.
    for (const { descriptor } of catalogue.packages) add(descriptor);
    const chosen = choosePackages({
      choice: vendor.choice ?? request.choice ?? 'newest',
      version,
      catalogue,
      descriptors: vendor.descriptors,
      ...(vendor.offered === undefined ? {} : { offered: vendor.offered }),
    });
    for (const entry of chosen) {
      const descriptor = vendor.descriptors.get(entry.guid);
      if (descriptor === undefined) continue;
      packages.push(packageFor(entry, descriptor));
      try {
        const wanted = await contentFor(descriptor, have, ports, signal);
        for (const blob of wanted.blobs) add(blob);
        unobtainable.push(...wanted.unobtainable);
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof ContentError) || isOfDisk(error)) throw error;
        problems.push(`${descriptor.name} could not be planned: ${error.message}`);
      }
    }
  }
  return { packages, blobs, unobtainable, problems };
}

/** Brings the documents of a package, as they are, and plans by them. Without encodings everything comes as it is. */
async function contentFor(
  { content }: PackageDescriptor,
  have: HaveSet,
  { documents, source, download }: PlanPorts,
  signal: AbortSignal,
) {
  const watch = { onBytes: () => undefined, onRetry: () => undefined };
  if (!(await documents.has(content.tree.sha256))) await download.fetch(content.tree, source, watch, signal);
  try {
    if (!(await documents.has(content.encodings.sha256)))
      await download.fetch(content.encodings, source, watch, signal);
  } catch (error) {
    if (!(error instanceof ContentError) || error.code !== 'NOT_FOUND') throw error;
  }
  return wantedContent(content, have, { documents, source }, signal);
}

function packageFor(
  { guid, kind, version }: CatalogueEntry,
  { product, name }: PackageDescriptor,
): MediumPackage {
  return { guid, product, name, version, kind };
}
