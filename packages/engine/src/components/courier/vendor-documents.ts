import { metadataName } from '@sallyport/core/domain/trust/metadata-name';
import { TrustError } from '@sallyport/core/domain/trust/trust-error';
import type { MetadataVersions } from '@sallyport/core/domain/exchange/medium';
import type { Catalogue, ServiceInfo } from '@sallyport/core/domain/updates/package';
import type { EpochMs, ProductId } from '@sallyport/core/shared/ids';
import { parseCatalogue } from '@sallyport/core/wire/catalogue';
import { parseServiceInfo } from '@sallyport/core/wire/service-info';
import { parseMetadata } from '@sallyport/core/wire/tuf';
import type { SignatureCheck } from '@sallyport/core/domain/trust/key';
import type { Digests } from '../../ports/digests.ts';
import type { RepositorySource } from '../../ports/repository.ts';
import type { TrustStore } from '../../ports/trust-store.ts';
import { cataloguePath, rolloutPath, servicePath } from '../hierarchy-manager/document-paths.ts';
import { TrustRefresher } from '../trust/refresher.ts';

/** The vendor's documents, verified from a root, with the files that carry them. */
export interface VendorDocuments {
  readonly versions: MetadataVersions;
  readonly service: ServiceInfo;
  readonly catalogues: readonly Catalogue[];
  /** Every file that was needed to verify them: `metadata/…` and `targets/…`, byte-identical. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** A root by its version. */
  readonly root: (version: number) => Promise<Uint8Array | undefined>;
}

/** A root is far smaller. */
const rootMaxBytes = 512 * 1024;

/**
 * Fetches the vendor's newest metadata, service facts, catalogues and roll-outs, and believes them as a site does.
 * What the vendor does not publish of a product is left out: the site says so when it imports.
 *
 * @param start the root to begin with: the oldest that any hierarchy trusts
 * @throws {TrustError} {RepositorySourceError}
 */
export async function fetchVendorDocuments(
  options: {
    readonly source: RepositorySource;
    readonly start: Uint8Array;
    readonly products: readonly ProductId[];
    readonly check: SignatureCheck;
    readonly digests: Digests;
    readonly now: EpochMs;
  },
  signal: AbortSignal,
): Promise<VendorDocuments> {
  const { start, products, check, digests, now } = options;
  const files = new Map<string, Uint8Array>();
  const source = recording(options.source, files);
  const { version } = parseMetadata('root', start).signed;
  files.set(`metadata/${metadataName('root', version)}`, start);
  const store = memoryTrust();
  await store.saveRoot(version, start);
  const refresher = new TrustRefresher({ store, source, check, digests });
  const versions = await refresher.refresh(now, signal);
  const service = parseServiceInfo(await refresher.fetchTarget(servicePath, signal));
  const catalogues: Catalogue[] = [];
  for (const product of products) {
    const bytes = await unlessUnknown(() => refresher.fetchTarget(cataloguePath(product), signal));
    if (bytes !== undefined) catalogues.push(parseCatalogue(bytes));
    await unlessUnknown(() => refresher.fetchTarget(rolloutPath(product), signal));
  }
  return {
    versions,
    service,
    catalogues,
    files,
    root: async (wanted) => {
      const name = metadataName('root', wanted);
      return (
        files.get(`metadata/${name}`) ??
        (await options.source.metadata(name, { maxBytes: rootMaxBytes }, signal))
      );
    },
  };
}

async function unlessUnknown(fetch: () => Promise<Uint8Array>): Promise<Uint8Array | undefined> {
  try {
    return await fetch();
  } catch (error) {
    if (error instanceof TrustError && error.code === 'NOT_FOUND') return undefined;
    throw error;
  }
}

/** Keeps every file that passes. What does not verify is never written anywhere: the refresh fails. */
function recording(source: RepositorySource, files: Map<string, Uint8Array>): RepositorySource {
  return {
    name: source.name,
    metadata: async (name, limits, signal) => {
      const bytes = await source.metadata(name, limits, signal);
      if (bytes !== undefined) files.set(`metadata/${name}`, bytes);
      return bytes;
    },
    target: async (path, limits, signal) => {
      const chunks = await source.target(path, limits, signal);
      return chunks === undefined ? undefined : kept(chunks, (bytes) => files.set(`targets/${path}`, bytes));
    },
  };
}

async function* kept(
  chunks: AsyncIterable<Uint8Array>,
  keep: (bytes: Uint8Array) => unknown,
): AsyncGenerator<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) {
    parts.push(chunk.slice());
    yield chunk;
  }
  keep(Buffer.concat(parts));
}

/** A courier remembers nothing: each trip believes from the roots that the requests bring. */
function memoryTrust(): TrustStore {
  const roles = new Map<string, Uint8Array>();
  const roots = new Map<number, Uint8Array>();
  let floor = 0;
  return {
    load: async (role) => roles.get(role),
    save: async (role, bytes) => void roles.set(role, bytes),
    loadRoot: async (version) => roots.get(version),
    saveRoot: async (version, bytes) => {
      roots.set(version, bytes);
      roles.set('root', bytes);
    },
    timeFloor: async () => floor,
    raiseTimeFloor: async (time) => {
      floor = Math.max(floor, time);
    },
  };
}
