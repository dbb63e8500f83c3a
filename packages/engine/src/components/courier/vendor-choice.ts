import { MediumError } from '@sallyport/core/domain/exchange/medium-error';
import { parseMetadata } from '@sallyport/core/wire/tuf';
import { rootName } from '../service-connection/request-names.ts';
import type { CourierPorts, CourierTask, VendorWays } from './courier-ports.ts';
import { type OpenRequest, partOf } from './requests.ts';
import { fetchVendorDocuments, type VendorDocuments } from './vendor-documents.ts';

/** The vendor that requests are for. @throws {MediumError} VENDOR_UNKNOWN when they are for several */
export function vendorUrlOf(requests: readonly OpenRequest[], given: string | undefined): string {
  if (given !== undefined) return given;
  const urls = new Set(requests.map(({ request }) => request.vendor.url));
  const [url, ...others] = urls;
  if (url !== undefined && others.length === 0) return url;
  throw new MediumError(
    'VENDOR_UNKNOWN',
    `the requests are for different vendors (${[...urls].join(', ')}): put those of each in a folder of their own, or name the one with --vendor-url`,
    { vendors: urls.size },
  );
}

/**
 * The vendor's documents, believed from the oldest root that any of the hierarchies trusts, and the requests of those
 * hierarchies that this vendor is the vendor of. Their roots, and all in between, travel along.
 *
 * @throws {MediumError} OTHER_VENDOR when it is nobody's
 */
export async function documentsFor(
  requests: readonly OpenRequest[],
  ways: VendorWays,
  { check, digests, clock }: CourierPorts,
  { trustRoot }: CourierTask,
  notes: string[],
  signal: AbortSignal,
): Promise<{ readonly documents: VendorDocuments; readonly requests: readonly OpenRequest[] }> {
  const oldest = requests.toSorted((a, b) => a.request.root.version - b.request.root.version)[0];
  if (oldest === undefined) throw new TypeError('a trip without requests');
  const start = trustRoot ?? (await partOf(oldest, rootName, digests));
  const products = [
    ...new Set(requests.flatMap(({ request }) => request.products.map(({ product }) => product))),
  ];
  const documents = await fetchVendorDocuments(
    { source: ways.repository, start, products, check, digests, now: clock.now() },
    signal,
  );
  const files = new Map(documents.files);
  const from = Math.min(oldest.request.root.version, parseMetadata('root', start).signed.version);
  for (let version = from; version <= documents.versions.root; version += 1) {
    const bytes = await documents.root(version);
    if (bytes !== undefined) files.set(`metadata/${version}.root.json`, bytes);
  }
  const own: OpenRequest[] = [];
  for (const opened of requests) {
    const { version, sha256 } = opened.request.root;
    const theirs = files.get(`metadata/${version}.root.json`);
    if (theirs !== undefined && digests.of('sha256', theirs) === sha256) {
      own.push(opened);
      continue;
    }
    notes.push(
      `${opened.archive.path} was passed over: its hierarchy trusts another vendor than ${ways.repository.name}, or the root was altered`,
    );
  }
  if (own.length > 0) return { documents: { ...documents, files }, requests: own };
  throw new MediumError(
    'OTHER_VENDOR',
    `${ways.repository.name} is not the vendor whom these hierarchies trust: name the right one with --vendor-url`,
    { url: ways.repository.name },
  );
}
