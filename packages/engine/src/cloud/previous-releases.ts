import type { Catalogue, PackageContent, PackageDescriptor } from '@sallyport/core/domain/updates/package';
import type { PackageGuid } from '@sallyport/core/shared/ids';
import { compareVersions } from '@sallyport/core/shared/version';
import { encodingsFormat, parseEncodings } from '@sallyport/core/wire/encodings';
import { parseTree, treeFormat } from '@sallyport/core/wire/tree';
import type { Blobs } from '../ports/blobs.ts';
import { readDescriptors } from './contents.ts';
import type { PreviousRelease } from './trees/build-encodings.ts';
import { previousReleasesMax } from './trees/patch-bases.ts';

/** A release with everything that its content is made of. */
export interface PublishedRelease extends PreviousRelease {
  readonly content: PackageContent;
}

/**
 * The newest releases of a product that sites may come from, the newest first: published ones, and those that are
 * about to be published with it. A withdrawn one is among them: sites may still run it.
 *
 * @throws {CloudError} BROKEN_REPOSITORY; {ContentError} NOT_HELD when a document is missing
 */
export async function previousReleases(
  blobs: Blobs,
  descriptor: PackageDescriptor,
  catalogue: Catalogue | undefined,
  besides: readonly { readonly descriptor: PackageDescriptor }[],
): Promise<readonly PublishedRelease[]> {
  const together = besides
    .map((other) => other.descriptor)
    .filter(({ product }) => product === descriptor.product);
  const isOlder = ({ guid, version }: { readonly guid: PackageGuid; readonly version: string }): boolean =>
    guid !== descriptor.guid && compareVersions(version, descriptor.version) <= 0;
  const published = (catalogue?.packages ?? []).filter(isOlder);
  const newest = [...together.filter(isOlder), ...published]
    .toSorted((a, b) => compareVersions(b.version, a.version) || (a.guid < b.guid ? -1 : 1))
    .slice(0, previousReleasesMax);
  const wanted = published.filter((entry) => newest.includes(entry));
  const descriptors =
    catalogue === undefined
      ? new Map<PackageGuid, PackageDescriptor>()
      : await readDescriptors(blobs, { ...catalogue, packages: wanted });
  return Promise.all(
    newest.map(async (entry) => {
      const { content } = 'content' in entry ? entry : (descriptors.get(entry.guid) as PackageDescriptor);
      return {
        content,
        tree: parseTree(await blobs.readBytes(content.tree.sha256, treeFormat.maxBytes)),
        encodings: parseEncodings(await blobs.readBytes(content.encodings.sha256, encodingsFormat.maxBytes)),
      };
    }),
  );
}
