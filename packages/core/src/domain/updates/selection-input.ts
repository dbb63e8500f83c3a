import type { HierarchyId, PackageGuid } from '../../shared/ids.ts';
import type { Offer, OfferedPackage } from '../exchange/exchange.ts';
import type { Catalogue, CatalogueEntry, PackageDescriptor, Rollout, RolloutEntry } from './package.ts';
import type { Sha256 } from './rollout.ts';
import type { Facts } from './rule.ts';

/** What selection knows of the hierarchy: `hierarchyFrom` makes it of targeting facts, at the site and at the cloud. */
export interface SelectionHierarchy {
  readonly hierarchyId: HierarchyId;
  readonly ring: string;
  /** The product at the top-tier site; absent when it is not installed there. */
  readonly product?: { readonly version: string; readonly installed: readonly PackageGuid[] };
  /** For applicability rules; `package.<guid>` is added for every package of the catalogue. */
  readonly facts: Facts;
}

export type RolloutInput =
  | { readonly kind: 'rollout'; readonly rollout: Rollout }
  | { readonly kind: 'absent'; readonly why: 'expired' | 'missing' };

export type OfferInput =
  | { readonly kind: 'offer'; readonly offer: Offer }
  | { readonly kind: 'absent'; readonly why: 'expired' | 'missing' | 'older' | 'other-facts' }
  /** The site is configured to do without offers; a catalogue that requires usage data does not allow it. */
  | { readonly kind: 'local-only' }
  /** At the cloud: the offer is what is being made. */
  | { readonly kind: 'being-made' };

export interface SelectionInput {
  readonly catalogue: Catalogue;
  readonly descriptors: ReadonlyMap<PackageGuid, PackageDescriptor>;
  readonly hierarchy: SelectionHierarchy;
  readonly rollout: RolloutInput;
  readonly offer: OfferInput;
  readonly sha256: Sha256;
}

/** The input with what every package's judgement looks up, made once: catalogues are long. */
export interface SelectionContext extends SelectionInput {
  readonly entries: ReadonlyMap<PackageGuid, CatalogueEntry>;
  readonly installed: ReadonlySet<PackageGuid>;
  /** Package GUIDs that something installed replaces, and what does. */
  readonly replaced: ReadonlyMap<PackageGuid, PackageGuid>;
  readonly rolloutEntries: ReadonlyMap<PackageGuid, RolloutEntry>;
  /** Versions that must be installed before anything newer. */
  readonly floors: readonly CatalogueEntry[];
  readonly offered: ReadonlyMap<PackageGuid, OfferedPackage>;
  /** The hierarchy's facts and `package.<guid>` for every package of the catalogue. */
  readonly ruleFacts: Facts;
}

/** Looks up once what `select` needs for every package. */
export function selectionContext(input: SelectionInput): SelectionContext {
  const { catalogue, descriptors, hierarchy } = input;
  const installed = new Set(hierarchy.product?.installed);
  const rolloutEntries = new Map(
    input.rollout.kind === 'rollout'
      ? input.rollout.rollout.packages.map((entry) => [entry.guid, entry])
      : [],
  );
  return {
    ...input,
    entries: new Map(catalogue.packages.map((entry) => [entry.guid, entry])),
    installed,
    replaced: new Map(
      [...installed].flatMap((by) => (descriptors.get(by)?.supersedes ?? []).map((guid) => [guid, by])),
    ),
    rolloutEntries,
    // A floor that was withdrawn or is installed holds nobody up.
    floors: catalogue.packages.filter(
      ({ guid, withdrawn }) =>
        rolloutEntries.get(guid)?.floor === true && withdrawn === undefined && !installed.has(guid),
    ),
    offered: new Map(
      input.offer.kind === 'offer' ? input.offer.offer.packages.map((entry) => [entry.guid, entry]) : [],
    ),
    ruleFacts: {
      ...hierarchy.facts,
      ...Object.fromEntries(
        [...catalogue.packages.map(({ guid }) => guid), ...installed].map((guid) => [
          `package.${guid}`,
          installed.has(guid),
        ]),
      ),
    },
  };
}
