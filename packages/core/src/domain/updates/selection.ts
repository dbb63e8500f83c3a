import type { PackageGuid } from '../../shared/ids.ts';
import { compareVersions } from '../../shared/version.ts';
import type { Catalogue, CatalogueEntry, PackageDescriptor } from './package.ts';
import { applicabilityReasons } from './selection-applicability.ts';
import { type SelectionContext, selectionContext, type SelectionInput } from './selection-input.ts';
import { offerReasons, rolloutReasons } from './selection-narrowing.ts';
import type { Reason, SelectionResult } from './selection-reason.ts';

/**
 * Decides on every package of a catalogue: *available = catalogue ∩ local applicability ∩ roll-out ∩ offer*.
 *
 * The catalogue and the descriptors are offline-signed; roll-out and offer, which online keys sign, can only take
 * away. Whatever is not available has all its reasons. Results come in the catalogue's order.
 */
export function select(input: SelectionInput): readonly SelectionResult[] {
  const context = selectionContext(input);
  const results = input.catalogue.packages.map((entry) => judge(entry, context));
  const available = results.filter(({ verdict }) => verdict === 'available');
  const newest = newestToDownload(available, input.descriptors);
  const replacing = new Map(
    available.flatMap((by) => (input.descriptors.get(by.guid)?.supersedes ?? []).map((guid) => [guid, by])),
  );
  const newestUpdate = available.find(({ guid }) => guid === newest);
  return results.map((result) => {
    const newer =
      result.verdict === 'available'
        ? (replacing.get(result.guid) ?? newerUpdate(result, newestUpdate))
        : undefined;
    return newer === undefined
      ? result
      : { ...result, verdict: 'superseded', reasons: [supersededBy(newer)] };
  });
}

/**
 * The version update to download without being asked: the newest available one, by version, then release date,
 * then GUID. Undefined when there is none.
 */
export function newestToDownload(
  results: readonly SelectionResult[],
  descriptors: ReadonlyMap<PackageGuid, PackageDescriptor>,
): PackageGuid | undefined {
  const candidates = results.filter(
    (result) => result.verdict === 'available' && result.kind === 'version-update',
  );
  return candidates
    .toSorted(
      (a, b) =>
        compareVersions(b.version, a.version) || releasedAt(b) - releasedAt(a) || (a.guid < b.guid ? 1 : -1),
    )
    .at(0)?.guid;

  function releasedAt(result: SelectionResult): number {
    return Date.parse(descriptors.get(result.guid)?.releasedAt ?? '') || 0;
  }
}

/** The event that tells a package's state machine what selection found. An installed package needs none. */
export function applicabilityEvent(result: SelectionResult): {
  readonly event: 'applicability-failed' | 'applicable' | 'hidden' | 'not-applicable';
  readonly reason: string;
} {
  const reason = result.reasons.map(({ sentence }) => sentence).join(' ');
  if (result.verdict === 'available' || result.verdict === 'superseded') {
    return {
      event: 'applicable',
      reason: reason === '' ? 'The package applies here and can be downloaded.' : reason,
    };
  }
  const codes = new Set(result.reasons.map(({ code }) => code));
  if (hidingCodes.some((code) => codes.has(code))) {
    return { event: 'hidden', reason };
  }
  return { event: codes.has('DESCRIPTOR_MISSING') ? 'applicability-failed' : 'not-applicable', reason };
}

/** Nothing that happens here would make these packages useful again. */
const hidingCodes = ['WITHDRAWN', 'BASELINE', 'NOT_NEWER', 'SUPERSEDED_BY_INSTALLED'] as const;

function judge(entry: CatalogueEntry, context: SelectionContext): SelectionResult {
  const descriptor = context.descriptors.get(entry.guid);
  const base = {
    guid: entry.guid,
    kind: entry.kind,
    version: entry.version,
    name: descriptor?.name ?? `${context.catalogue.productName} ${entry.version}`,
  } as const;
  if (context.installed.has(entry.guid)) {
    return { ...base, verdict: 'installed', reasons: installedReasons(entry) };
  }
  const reasons = notInstalledReasons(entry, descriptor, context);
  return { ...base, verdict: reasons.length === 0 ? 'available' : 'not-available', reasons };
}

function installedReasons(entry: CatalogueEntry): readonly Reason[] {
  const installed: Reason = {
    code: 'INSTALLED',
    source: 'applicability',
    sentence: 'It is installed.',
    fact: `package.${entry.guid}`,
    value: true,
    change: 'Nothing needs to change.',
  };
  return entry.withdrawn === undefined ? [installed] : [installed, withdrawnReason(entry.withdrawn)];
}

function notInstalledReasons(
  entry: CatalogueEntry,
  descriptor: PackageDescriptor | undefined,
  context: SelectionContext,
): readonly Reason[] {
  if (entry.withdrawn !== undefined) {
    return [withdrawnReason(entry.withdrawn)];
  }
  if (entry.kind === 'baseline') {
    return [
      {
        code: 'BASELINE',
        source: 'catalogue',
        sentence:
          'It is a baseline: it comes from media when a site is set up and is never offered as an update.',
        rule: 'kind',
        value: 'baseline',
        change: 'Nothing: install a version update instead.',
      },
    ];
  }
  if (descriptor === undefined) {
    return [
      {
        code: 'DESCRIPTOR_MISSING',
        source: 'catalogue',
        sentence: 'Its description has not been fetched yet, or could not be understood.',
        rule: 'descriptor',
        change: 'The next exchange fetches it; if it stays so, this program may be too old for it.',
      },
    ];
  }
  return [
    ...mismatchReasons(entry, descriptor, context.catalogue),
    ...applicabilityReasons(entry, descriptor, context),
    ...rolloutReasons(entry, context),
    ...offerReasons(entry, context),
  ];
}

function withdrawnReason(withdrawn: { readonly at: string; readonly reason: string }): Reason {
  return {
    code: 'WITHDRAWN',
    source: 'catalogue',
    sentence: `The vendor withdrew it on ${withdrawn.at}: ${withdrawn.reason}`,
    rule: 'withdrawn',
    change: 'Nothing: a withdrawn package is never installed again.',
  };
}

/** A catalogue names descriptors by digest, so only its publisher can cause this. */
function mismatchReasons(
  entry: CatalogueEntry,
  descriptor: PackageDescriptor,
  catalogue: Catalogue,
): readonly Reason[] {
  const same =
    descriptor.guid === entry.guid &&
    descriptor.product === catalogue.product &&
    descriptor.kind === entry.kind &&
    descriptor.version === entry.version;
  return same
    ? []
    : [
        {
          code: 'DESCRIPTOR_MISMATCH',
          source: 'catalogue',
          sentence: 'Its description is of another package than the catalogue says.',
          rule: 'descriptor',
          change: 'The vendor publishes it anew.',
        },
      ];
}

/** Version updates are cumulative: the newest one that is available replaces those below it. */
function newerUpdate(
  result: SelectionResult,
  newest: SelectionResult | undefined,
): SelectionResult | undefined {
  if (newest === undefined || result.kind !== 'version-update') {
    return undefined;
  }
  return compareVersions(newest.version, result.version) > 0 ? newest : undefined;
}

function supersededBy(newer: SelectionResult): Reason {
  return {
    code: 'SUPERSEDED',
    source: 'applicability',
    sentence: `${newer.name} (${newer.version}) is available and replaces it; it can still be downloaded by hand.`,
    rule: 'supersedes',
    value: newer.guid,
    change: `${newer.name} is not available any more, or this one is downloaded by hand.`,
  };
}
