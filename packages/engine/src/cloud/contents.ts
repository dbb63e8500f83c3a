import type {
  Catalogue,
  PackageDescriptor,
  Rollout,
  ServiceInfo,
} from '@sallyport/core/domain/updates/package';
import type { TargetFile, Targets } from '@sallyport/core/domain/trust/documents';
import { targetRepositoryPath } from '@sallyport/core/domain/trust/metadata-name';
import type { PackageGuid, ProductId } from '@sallyport/core/shared/ids';
import { catalogueFormat, parseCatalogue } from '@sallyport/core/wire/catalogue';
import { descriptorFormat, parseDescriptor } from '@sallyport/core/wire/descriptor';
import { parseRollout, rolloutFormat } from '@sallyport/core/wire/rollout';
import { parseServiceInfo, serviceInfoFormat } from '@sallyport/core/wire/service-info';
import { WireError } from '@sallyport/core/wire/wire-error';
import type { Blobs } from '../ports/blobs.ts';
import { CloudError } from '../ports/cloud-error.ts';
import type { PublishedRepository } from '../ports/published-repository.ts';
import type { RepositoryState } from './repository/state.ts';
import { type PublishedFile, sha256In } from './repository/writer.ts';
import { sha256Of } from './sha256.ts';

/** What the targets say: the service, and each product's catalogue and roll-out. */
export interface Contents {
  readonly service: ServiceInfo;
  readonly catalogues: ReadonlyMap<ProductId, Catalogue>;
  readonly rollouts: ReadonlyMap<ProductId, Rollout>;
}

const servicePath = 'service.json';

/** Reads the targets that a state names. @throws {CloudError} BROKEN_REPOSITORY */
export async function readContents(
  repository: PublishedRepository,
  state: RepositoryState,
): Promise<Contents> {
  return understanding(repository, async () => {
    const service = parseServiceInfo(await readTarget(repository, state.catalog.signed, servicePath));
    const catalogues = new Map<ProductId, Catalogue>();
    const rollouts = new Map<ProductId, Rollout>();
    for (const product of service.products) {
      catalogues.set(
        product,
        parseCatalogue(await readTarget(repository, state.catalog.signed, cataloguePath(product))),
      );
      rollouts.set(
        product,
        parseRollout(await readTarget(repository, state.rollout.signed, rolloutPath(product))),
      );
    }
    return { service, catalogues, rollouts };
  });
}

/** The descriptors of a catalogue's packages. @throws {CloudError} BROKEN_REPOSITORY */
export async function readDescriptors(
  blobs: Blobs,
  catalogue: Catalogue,
): Promise<ReadonlyMap<PackageGuid, PackageDescriptor>> {
  const descriptors = new Map<PackageGuid, PackageDescriptor>();
  for (const { guid, descriptor } of catalogue.packages) {
    try {
      descriptors.set(
        guid,
        parseDescriptor(await blobs.readBytes(descriptor.sha256, descriptorFormat.maxBytes)),
      );
    } catch (cause) {
      throw new CloudError(
        'BROKEN_REPOSITORY',
        `the descriptor of package ${guid} (blob ${descriptor.sha256}) cannot be read from the repository: restore it from a copy`,
        { guid, sha256: descriptor.sha256 },
        { cause },
      );
    }
  }
  return descriptors;
}

export function serviceFile(service: ServiceInfo): PublishedFile {
  return { path: servicePath, bytes: serviceInfoFormat.print(service) };
}

export function catalogueFile(catalogue: Catalogue): PublishedFile {
  return { path: cataloguePath(catalogue.product), bytes: catalogueFormat.print(catalogue) };
}

export function rolloutFile(rollout: Rollout): PublishedFile {
  return { path: rolloutPath(rollout.product), bytes: rolloutFormat.print(rollout) };
}

function cataloguePath(product: ProductId): string {
  return `catalog/${product}.json`;
}

function rolloutPath(product: ProductId): string {
  return `rollout/${product}.json`;
}

async function readTarget(repository: PublishedRepository, role: Targets, path: string): Promise<Uint8Array> {
  const file: TargetFile | undefined = role.targets.get(path);
  const place = file === undefined ? path : targetRepositoryPath(path, sha256In(file));
  const bytes = file === undefined ? undefined : await repository.target(place);
  if (
    file === undefined ||
    bytes === undefined ||
    bytes.length !== file.lengthBytes ||
    sha256Of(bytes) !== sha256In(file)
  ) {
    throw new CloudError(
      'BROKEN_REPOSITORY',
      `the repository ${repository.name} is broken: targets/${place} is missing or not what was signed. Restore it from a copy`,
      { path },
    );
  }
  return bytes;
}

async function understanding<T>(repository: PublishedRepository, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    if (cause instanceof WireError) {
      throw new CloudError(
        'BROKEN_REPOSITORY',
        `the repository ${repository.name} holds something that this program does not understand: ${cause.message}. A newer program may have published it`,
        {},
        { cause },
      );
    }
    throw cause;
  }
}
