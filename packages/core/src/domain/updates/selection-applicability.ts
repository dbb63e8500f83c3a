import type { PackageGuid } from '../../shared/ids.ts';
import { compareVersions, tryParseVersion } from '../../shared/version.ts';
import type { CatalogueEntry, PackageDescriptor } from './package.ts';
import { evaluateRule } from './rule-evaluation.ts';
import type { SelectionContext } from './selection-input.ts';
import type { Reason } from './selection-reason.ts';

/** The ring that everybody is in. */
export const generalRing = 'general';

/** What keeps a package of the catalogue from applying to this hierarchy as it is now. */
export function applicabilityReasons(
  entry: CatalogueEntry,
  descriptor: PackageDescriptor,
  context: SelectionContext,
): readonly Reason[] {
  const { product } = context.hierarchy;
  if (product === undefined) {
    return [
      reason('PRODUCT_NOT_INSTALLED', {
        sentence: `${context.catalogue.productName} is not installed at the top-tier site.`,
        fact: 'product.version',
        change: 'The product is installed there from its baseline.',
      }),
    ];
  }
  return [
    ...versionReasons(descriptor, product.version),
    ...supersededReasons(entry, context),
    ...requiresReasons(descriptor, context),
    ...ringReasons(descriptor, context.hierarchy.ring),
    ...ruleReasons(descriptor, context),
  ];
}

function versionReasons(descriptor: PackageDescriptor, installedVersion: string): readonly Reason[] {
  const installed = tryParseVersion(installedVersion);
  const offered = tryParseVersion(descriptor.version);
  if (installed === undefined || offered === undefined) {
    const unreadable = installed === undefined ? installedVersion : descriptor.version;
    return [
      reason('VERSION_UNREADABLE', {
        sentence: `"${unreadable}" cannot be compared as a version.`,
        rule: 'version',
        fact: 'product.version',
        value: installedVersion,
        change: 'The vendor publishes versions made of numbers with dots.',
      }),
    ];
  }
  const reasons: Reason[] = [];
  const order = compareVersions(offered, installed);
  // A hotfix may carry the version that it is for: the GUID tells builds apart, not the version.
  if (descriptor.kind === 'version-update' ? order <= 0 : order < 0) {
    reasons.push(
      reason('NOT_NEWER', {
        sentence: `${descriptor.version} is not newer than the installed ${installedVersion}.`,
        rule: 'version',
        fact: 'product.version',
        value: installedVersion,
        change: 'Nothing: what is installed contains it.',
      }),
    );
  }
  const { lowest, highest } = descriptor.appliesTo;
  if (lowest !== undefined && isBelow(installedVersion, lowest)) {
    reasons.push(
      reason('VERSION_TOO_LOW', {
        sentence: `It installs over ${lowest} and later; ${installedVersion} is installed.`,
        rule: 'appliesTo.lowest',
        fact: 'product.version',
        value: installedVersion,
        change: `The product is updated to ${lowest} or later first.`,
      }),
    );
  }
  if (highest !== undefined && isBelow(highest, installedVersion)) {
    reasons.push(
      reason('VERSION_TOO_HIGH', {
        sentence: `It installs over versions up to ${highest}; ${installedVersion} is installed.`,
        rule: 'appliesTo.highest',
        fact: 'product.version',
        value: installedVersion,
        change: 'Nothing: it is meant for older versions.',
      }),
    );
  }
  return reasons;
}

/** A bound that cannot be compared bounds everything out. */
function isBelow(version: string, bound: string): boolean {
  const left = tryParseVersion(version);
  const right = tryParseVersion(bound);
  return left === undefined || right === undefined || compareVersions(left, right) < 0;
}

function supersededReasons(entry: CatalogueEntry, context: SelectionContext): readonly Reason[] {
  const newer = context.replaced.get(entry.guid);
  if (newer === undefined) {
    return [];
  }
  return [
    reason('SUPERSEDED_BY_INSTALLED', {
      sentence: `${nameOf(newer, context)} is installed and replaces it.`,
      rule: 'supersedes',
      fact: `package.${newer}`,
      value: true,
      change: 'Nothing: what is installed contains it.',
    }),
  ];
}

function requiresReasons(descriptor: PackageDescriptor, context: SelectionContext): readonly Reason[] {
  return descriptor.requires
    .filter((guid) => !context.installed.has(guid))
    .map((guid) =>
      reason('REQUIRES', {
        sentence: `It requires ${nameOf(guid, context)}, which is not installed.`,
        rule: 'requires',
        fact: `package.${guid}`,
        value: false,
        change: `${nameOf(guid, context)} is installed first.`,
      }),
    );
}

function nameOf(guid: PackageGuid, context: SelectionContext): string {
  const entry = context.entries.get(guid);
  const name = context.descriptors.get(guid)?.name;
  return entry === undefined
    ? `package ${guid}`
    : `${name ?? context.catalogue.productName} (${entry.version}, ${guid})`;
}

function ringReasons(descriptor: PackageDescriptor, ring: string): readonly Reason[] {
  return descriptor.ring === generalRing || descriptor.ring === ring
    ? []
    : [
        reason('RING', {
          sentence: `It is for the ring "${descriptor.ring}"; this hierarchy is in "${ring}".`,
          rule: 'ring',
          fact: 'hierarchy.ring',
          value: ring,
          change: `The hierarchy joins the ring "${descriptor.ring}", or the vendor releases it for everybody.`,
        }),
      ];
}

function ruleReasons(descriptor: PackageDescriptor, context: SelectionContext): readonly Reason[] {
  if (descriptor.applicability === undefined) {
    return [];
  }
  const { verdict, failing } = evaluateRule(descriptor.applicability, context.ruleFacts);
  if (verdict === 'yes') {
    return [];
  }
  const leaves = failing.map((leaf) =>
    reason(leaf.verdict === 'unknown' ? 'RULE_UNKNOWN' : 'RULE', {
      sentence: leaf.sentence,
      rule: `applicability: ${leaf.requirement}`,
      fact: leaf.fact,
      ...(leaf.value === undefined ? {} : { value: leaf.value }),
      change: leaf.change,
    }),
  );
  return leaves.length > 0
    ? leaves
    : [
        reason('RULE', {
          sentence: 'Its applicability rule can never hold.',
          rule: 'applicability',
          change: 'The vendor publishes it anew.',
        }),
      ];
}

function reason(code: Reason['code'], rest: Omit<Reason, 'code' | 'source'>): Reason {
  return { code, source: 'applicability', ...rest };
}
