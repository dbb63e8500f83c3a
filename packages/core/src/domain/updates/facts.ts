import type { PackageGuid, ProductId } from '../../shared/ids.ts';
import { compareVersions, tryParseVersion } from '../../shared/version.ts';
import type { SiteFacts, TargetingFacts } from '../exchange/exchange.ts';
import type { Facts } from './rule.ts';
import type { SelectionHierarchy } from './selection-input.ts';

/**
 * What selection needs to know, made of targeting facts: the site and the cloud both make it of the same document,
 * so they cannot come to different answers.
 *
 * Facts: `product.version`, `package.<guid>` (installed ones), `hierarchy.ring`, `sites.total`, `sites.central`,
 * `sites.primary`, `sites.secondary`, `sites.lowestVersion`, `sites.sameVersion`, `platform.os`, `platform.arch`.
 */
export function hierarchyFrom(targeting: TargetingFacts, product: ProductId): SelectionHierarchy {
  const own = targeting.products.find((candidate) => candidate.product === product);
  const { central, primary, secondary } = targeting.siteCounts;
  const facts: Facts = {
    'hierarchy.ring': targeting.ring,
    'sites.total': central + primary + secondary,
    'sites.central': central,
    'sites.primary': primary,
    'sites.secondary': secondary,
    'platform.os': targeting.platform.os,
    'platform.arch': targeting.platform.arch,
  };
  const base = { hierarchyId: targeting.hierarchyId, ring: targeting.ring } as const;
  if (own === undefined) {
    return { ...base, facts };
  }
  return {
    ...base,
    product: { version: own.version, installed: own.installed },
    facts: { ...facts, ...productFacts(own), ...versionFacts(own.versions.map(({ version }) => version)) },
  };
}

/**
 * What a site knows of itself, for prerequisite rules: `site.code`, `site.type`, `product.version`,
 * `package.<guid>`, `platform.os`, `platform.arch`. `packages` are those whose absence is to be a fact too.
 */
export function factsOfSite(
  site: SiteFacts,
  product: ProductId,
  packages: readonly PackageGuid[] = [],
): Facts {
  const own = site.products.find((candidate) => candidate.product === product);
  return {
    'site.code': site.site,
    'site.type': site.type,
    'platform.os': site.platform.os,
    'platform.arch': site.platform.arch,
    ...Object.fromEntries(packages.map((guid) => [`package.${guid}`, false])),
    ...(own === undefined ? {} : productFacts(own)),
  };
}

function productFacts(own: { readonly version: string; readonly installed: readonly PackageGuid[] }): Facts {
  return {
    'product.version': own.version,
    ...Object.fromEntries(own.installed.map((guid) => [`package.${guid}`, true])),
  };
}

/** Unknown when a site has a version that cannot be compared, or none has reported. */
function versionFacts(versions: readonly string[]): Facts {
  const [first, ...rest] = versions;
  if (first === undefined || versions.some((version) => tryParseVersion(version) === undefined)) {
    return {};
  }
  const lowest = rest.reduce((low, version) => (compareVersions(version, low) < 0 ? version : low), first);
  return {
    'sites.lowestVersion': lowest,
    'sites.sameVersion': versions.every((version) => compareVersions(version, lowest) === 0),
  };
}
