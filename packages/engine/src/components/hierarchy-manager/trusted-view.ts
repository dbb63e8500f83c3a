import type {
  Catalogue,
  CatalogueEntry,
  PackageDescriptor,
  Rollout,
  ServiceInfo,
} from '@sallyport/core/domain/updates/package';
import type { RolloutInput } from '@sallyport/core/domain/updates/selection-input';
import type { EpochMs, PackageGuid, ProductId } from '@sallyport/core/shared/ids';

/** Why something signed is not believed now, or could not be had. */
export interface TrustProblem {
  /** A code of `TrustError`, `RepositorySourceError`, `ContentError` or `WireError`. */
  readonly code: string;
  readonly message: string;
}

/** What could not be had or believed in a refresh that otherwise went through. */
export interface DocumentProblem extends TrustProblem {
  /** A target path, or a package's GUID. */
  readonly what: string;
}

/** What a site knows of one product. */
export interface TrustedProduct {
  readonly product: ProductId;
  /**
   * The newest catalogue that was ever verified here. It may be out of date: nothing new may be based on it
   * while `problem` is set, but what was ordered and installed from it stays known.
   */
  readonly catalogue: Catalogue;
  readonly descriptors: ReadonlyMap<PackageGuid, PackageDescriptor>;
  /** What selection may use now. */
  readonly rollout: RolloutInput;
  /** The newest roll-out that was ever verified here, in date or not: what it stops stays stopped. */
  readonly newestRollout?: Rollout;
  /** The catalogue cannot be believed at present. */
  readonly problem?: TrustProblem;
}

/** Everything a site believes of its vendor at one moment. */
export interface TrustedView {
  readonly referenceTime: EpochMs;
  readonly service?: ServiceInfo;
  readonly products: ReadonlyMap<ProductId, TrustedProduct>;
  /** Documents and descriptors that the content library lacks: what they say is not known until a refresh. */
  readonly damaged: readonly DocumentProblem[];
  /** The metadata as a whole cannot be believed at present: it has expired, or was never fetched. */
  readonly problem?: TrustProblem;
}

/** A package of a catalogue, with what is known of it. */
export interface TrustedPackage {
  readonly product: TrustedProduct;
  readonly entry: CatalogueEntry;
  /** Absent while it could not be fetched or understood. */
  readonly descriptor?: PackageDescriptor;
}

export function packagesOf(view: TrustedView): readonly TrustedPackage[] {
  return [...view.products.values()].flatMap((product) =>
    product.catalogue.packages.map((entry) => trustedPackage(product, entry)),
  );
}

export function packageOf(view: TrustedView, guid: PackageGuid): TrustedPackage | undefined {
  for (const product of view.products.values()) {
    const entry = product.catalogue.packages.find((candidate) => candidate.guid === guid);
    if (entry !== undefined) return trustedPackage(product, entry);
  }
  return undefined;
}

function trustedPackage(product: TrustedProduct, entry: CatalogueEntry): TrustedPackage {
  const descriptor = product.descriptors.get(entry.guid);
  return { product, entry, ...(descriptor === undefined ? {} : { descriptor }) };
}
