import type { PackageGuid } from '../../shared/ids.ts';
import { compareVersions } from '../../shared/version.ts';
import type { Catalogue, CatalogueEntry, PackageDescriptor } from '../updates/package.ts';
import type { OfferedPackage } from './exchange.ts';
import type { MediumChoice } from './medium.ts';

/** What is known of one product at one hierarchy, as far as a courier knows it. */
export interface ChoiceInput {
  readonly choice: MediumChoice;
  /** The version that the hierarchy's top-tier site runs. */
  readonly version: string;
  readonly catalogue: Catalogue;
  readonly descriptors: ReadonlyMap<PackageGuid, PackageDescriptor>;
  /** The vendor's offer; absent when none came. */
  readonly offered?: ReadonlyMap<PackageGuid, OfferedPackage>;
}

/**
 * Which packages of a product a courier brings. It decides about room on a medium and nothing else: what is available is
 * decided at the site, on its own facts. Withdrawn packages and baselines stay where they are.
 */
export function choosePackages(input: ChoiceInput): readonly CatalogueEntry[] {
  const { choice, version, catalogue, descriptors } = input;
  const candidates = catalogue.packages.filter(
    ({ guid, kind, withdrawn }) => kind !== 'baseline' && withdrawn === undefined && descriptors.has(guid),
  );
  switch (choice) {
    case 'all':
      return candidates;
    case 'hotfixes':
      return candidates.filter(({ kind }) => kind === 'hotfix' || kind === 'out-of-band');
    case 'site-version':
      return candidates.filter((entry) => compareVersions(entry.version, version) > 0);
    case 'newest':
      return newest(
        candidates.filter((entry) => mayBeNext(entry, input)),
        descriptors,
      );
  }
}

/** By the offer where there is one; else by what the package says of the versions it installs over. */
function mayBeNext({ guid, kind, version: to }: CatalogueEntry, input: ChoiceInput): boolean {
  if (kind !== 'version-update') return false;
  if (input.offered !== undefined) return input.offered.get(guid)?.offered === true;
  const { lowest, highest } = input.descriptors.get(guid)?.appliesTo ?? {};
  return (
    compareVersions(to, input.version) > 0 &&
    (lowest === undefined || compareVersions(input.version, lowest) >= 0) &&
    (highest === undefined || compareVersions(input.version, highest) <= 0)
  );
}

/** As selection at the site orders them: by version, then release date, then GUID. */
function newest(
  candidates: readonly CatalogueEntry[],
  descriptors: ReadonlyMap<PackageGuid, PackageDescriptor>,
): readonly CatalogueEntry[] {
  const releasedAt = ({ guid }: CatalogueEntry): number =>
    Date.parse(descriptors.get(guid)?.releasedAt ?? '') || 0;
  return candidates
    .toSorted(
      (a, b) =>
        compareVersions(b.version, a.version) || releasedAt(b) - releasedAt(a) || (a.guid < b.guid ? 1 : -1),
    )
    .slice(0, 1);
}
