import type { PackageDescriptor } from '@sallyport/core/domain/updates/package';
import type { PackageGuid } from '@sallyport/core/shared/ids';
import { compareVersions, tryParseVersion } from '@sallyport/core/shared/version';
import { isOlder } from '../hierarchy-manager/order-judgement.ts';

/** What a site runs of a product. */
export interface Installed {
  readonly version: string;
  readonly installed: readonly PackageGuid[];
}

/**
 * The packages that bring a secondary site to what its parent runs, in the order in which they go on. Version
 * updates are cumulative: it begins with the newest that installs over what the secondary has.
 *
 * @param descriptors of the parent's installed packages, as far as they are known
 */
export function secondaryPlan(
  parent: Installed,
  secondary: Installed,
  descriptors: ReadonlyMap<PackageGuid, PackageDescriptor>,
): readonly PackageDescriptor[] {
  const missing = parent.installed
    .filter((guid) => !secondary.installed.includes(guid))
    .flatMap((guid) => descriptors.get(guid) ?? [])
    // What is older than what the site runs is passed over there: a newer version contains it.
    .filter(({ kind, version }) => kind !== 'baseline' && !isOlder(version, secondary.version));
  const direct = missing.findLastIndex(
    (candidate) => candidate.kind === 'version-update' && installsOver(candidate, secondary),
  );
  if (direct <= 0) return missing;
  const skipped = new Set(missing.slice(0, direct).map(({ guid }) => guid));
  const plan = missing.slice(direct);
  // A later package may need one that would be skipped: then none is.
  return plan.some(({ requires }) => requires.some((guid) => skipped.has(guid))) ? missing : plan;
}

function installsOver(
  { appliesTo, requires }: PackageDescriptor,
  { version, installed }: Installed,
): boolean {
  const { lowest, highest } = appliesTo;
  return (
    (lowest === undefined || isAtLeast(version, lowest)) &&
    (highest === undefined || isAtLeast(highest, version)) &&
    requires.every((guid) => installed.includes(guid))
  );
}

function isAtLeast(version: string, bound: string): boolean {
  const left = tryParseVersion(version);
  const right = tryParseVersion(bound);
  return left !== undefined && right !== undefined && compareVersions(left, right) >= 0;
}
