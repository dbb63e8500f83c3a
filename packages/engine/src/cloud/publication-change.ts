import type { CatalogueEntry } from '@sallyport/core/domain/updates/package';
import { compareVersions } from '@sallyport/core/shared/version';
import type { Random } from '../ports/random.ts';
import type { Published } from './cloud-tools.ts';
import { catalogueFile, rolloutFile } from './contents.ts';
import type { MadePackage } from './publisher.ts';
import { type Change, type PublishedFile, withFiles } from './repository/writer.ts';
import { newEntry, withEntries } from './rollout-changes.ts';

/**
 * What publishing these packages changes: each product's catalogue, and its roll-out for what is rolled out.
 *
 * Decided under the lock. A GUID that somebody else published in between is reported in the definition's source.
 */
export function publicationChange(
  { state, contents }: Published,
  made: readonly MadePackage[],
  options: { readonly percentage: number; readonly random: Random },
): Change {
  const catalogueFiles: PublishedFile[] = [];
  const rolloutFiles: PublishedFile[] = [];
  const taken = new Set(
    [...contents.catalogues.values()].flatMap(({ packages }) => packages.map(({ guid }) => guid)),
  );
  for (const { read } of made.filter(({ entry }) => taken.has(entry.guid))) {
    read.source.reportAt(
      ['guid'],
      'another process has just published a package with this GUID',
      'look at it with "sallyport cloud show", and publish again',
    );
  }
  for (const [product, catalogue] of contents.catalogues) {
    const own = made.filter(({ descriptor }) => descriptor.product === product);
    if (own.length > 0) {
      const packages = [...catalogue.packages, ...own.map(({ entry }) => entry)].toSorted(byVersion);
      catalogueFiles.push(catalogueFile({ ...catalogue, packages }));
    }
    // A baseline comes from media: nothing rolls it out.
    const rolledOut = own.filter(({ entry }) => entry.kind !== 'baseline');
    if (rolledOut.length > 0) {
      const entries = rolledOut.map(({ entry }) => newEntry(entry.guid, options.percentage, options.random));
      rolloutFiles.push(rolloutFile(withEntries(contents.rollouts.get(product), product, entries)));
    }
  }
  return {
    catalog: withFiles(state.catalog.signed.targets, catalogueFiles),
    ...(rolloutFiles.length === 0 ? {} : { rollout: withFiles(state.rollout.signed.targets, rolloutFiles) }),
    files: [...catalogueFiles, ...rolloutFiles],
  };
}

function byVersion(a: CatalogueEntry, b: CatalogueEntry): number {
  return compareVersions(a.version, b.version) || (a.guid < b.guid ? -1 : 1);
}
