import type { Tree } from '@sallyport/core/domain/content/tree';
import type { PackageDescriptor } from '@sallyport/core/domain/updates/package';
import type { PackageGuid } from '@sallyport/core/shared/ids';
import { parseTree } from '@sallyport/core/wire/tree';
import type { Blobs } from '../../ports/blobs.ts';
import type { PackageCatalogue } from '../update-installer/ports.ts';
import type { TrustedDocuments } from './trusted-documents.ts';
import { packageOf } from './trusted-view.ts';

/**
 * What this site knows of packages. A package that was ordered while its catalogue was in date stays known after
 * that: expiry stops new installs, never running ones.
 */
export class TrustedPackageCatalogue implements PackageCatalogue {
  readonly #documents: TrustedDocuments;
  readonly #blobs: Blobs;

  constructor(options: { readonly documents: TrustedDocuments; readonly blobs: Blobs }) {
    this.#documents = options.documents;
    this.#blobs = options.blobs;
  }

  async descriptor(guid: PackageGuid): Promise<PackageDescriptor | undefined> {
    return packageOf(await this.#documents.view(), guid)?.descriptor;
  }

  async tree(descriptor: PackageDescriptor): Promise<Tree> {
    const { sha256, sizeBytes } = descriptor.content.tree;
    return parseTree(await this.#blobs.readBytes(sha256, sizeBytes));
  }
}
