import type { PackageGuid } from '../../shared/ids.ts';
import { compareVersions, tryParseVersion } from '../../shared/version.ts';
import type { PackageDescriptor } from './package.ts';
import type { PrerequisiteResult } from './prerequisites.ts';

/** What a site runs of a product. */
export interface InstalledProduct {
  readonly version: string;
  readonly installed: readonly PackageGuid[];
}

/**
 * What every package asks of a site without saying so among its prerequisites: that it installs over what is there,
 * and that what it requires is there. Orders are given by what the top-tier site runs; each site checks for itself.
 */
export function installConditions(
  descriptor: PackageDescriptor,
  current: InstalledProduct | undefined,
): readonly PrerequisiteResult[] {
  const conditions = [installsOver(descriptor, current)];
  if (descriptor.requires.length > 0) {
    conditions.push(requires(descriptor, current));
  }
  return conditions;
}

function installsOver(
  descriptor: PackageDescriptor,
  current: InstalledProduct | undefined,
): PrerequisiteResult {
  const problem =
    current === undefined
      ? `${descriptor.product} is not installed here.`
      : versionProblem(descriptor, current.version);
  return {
    id: 'sallyport.installs-over',
    title: `Installs over what this site runs of ${descriptor.product}`,
    severity: 'error',
    status: problem === undefined ? 'passed' : 'failed',
    detail: problem ?? `${current?.version ?? ''} is installed.`,
    remedy: 'Bring this site to a version that the package installs over first.',
  };
}

function versionProblem(descriptor: PackageDescriptor, installed: string): string | undefined {
  const { lowest, highest } = descriptor.appliesTo;
  if (tryParseVersion(installed) === undefined || tryParseVersion(descriptor.version) === undefined) {
    return `The installed version "${installed}" and "${descriptor.version}" cannot be compared.`;
  }
  if (compareVersions(descriptor.version, installed) < 0) {
    return `${installed} is installed, which is newer than ${descriptor.version}.`;
  }
  if (lowest !== undefined && compareVersions(installed, lowest) < 0) {
    return `${installed} is installed; the package installs over ${lowest} and later.`;
  }
  if (highest !== undefined && compareVersions(installed, highest) > 0) {
    return `${installed} is installed; the package installs over versions up to ${highest}.`;
  }
  return undefined;
}

function requires(descriptor: PackageDescriptor, current: InstalledProduct | undefined): PrerequisiteResult {
  const missing = descriptor.requires.filter((guid) => current?.installed.includes(guid) !== true);
  return {
    id: 'sallyport.requires',
    title: 'Required packages are installed',
    severity: 'error',
    status: missing.length === 0 ? 'passed' : 'failed',
    detail: missing.length === 0 ? 'All are installed.' : `Not installed: ${missing.join(', ')}.`,
    remedy: 'Install the required packages at this site first.',
  };
}
