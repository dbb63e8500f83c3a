import type { Digest, HierarchyId, PackageGuid, ProductId, SiteCode } from '../../shared/ids.ts';
import type { SiteType } from '../sites/site.ts';

/**
 * The facts that targeting needs, and nothing else: the least that a hierarchy tells its vendor.
 * DSSE-signed by the operating key; `sequence` rises with each report of an epoch.
 */
export interface TargetingFacts {
  readonly schema: 1;
  readonly hierarchyId: HierarchyId;
  readonly epoch: number;
  readonly sequence: number;
  readonly collectedAt: string;
  readonly ring: string;
  readonly siteCounts: Readonly<Record<SiteType, number>>;
  readonly products: readonly ProductFacts[];
  readonly platform: { readonly os: string; readonly arch: string };
}

export interface ProductFacts {
  readonly product: ProductId;
  /** The top-tier site's version. */
  readonly version: string;
  readonly installed: readonly PackageGuid[];
  /** How many sites run which version. No site is named. */
  readonly versions: readonly { readonly version: string; readonly type: SiteType; readonly sites: number }[];
}

/** The cloud's answer to accepted facts: it can only narrow what the catalogue allows. */
export interface Offer {
  readonly schema: 1;
  readonly hierarchyId: HierarchyId;
  /** Only rises for a hierarchy; an older one is refused. */
  readonly sequence: number;
  readonly issuedAt: string;
  readonly expiresAt: string;
  /** SHA-256 of the payload bytes of the facts that it answers. */
  readonly factsSha256: Digest;
  readonly packages: readonly OfferedPackage[];
}

export type OfferedPackage =
  | { readonly guid: PackageGuid; readonly offered: true }
  | { readonly guid: PackageGuid; readonly offered: false; readonly reason: string };

/** Accepted means durable: the cloud's receipt for one envelope, by the SHA-256 of its payload. */
export interface Receipt {
  readonly schema: 1;
  readonly hierarchyId: HierarchyId;
  readonly payloadSha256: Digest;
  readonly acceptedAt: string;
}

/** What each site says of itself downward, as a record: what a site that joins below it begins with. */
export interface SiteReleases {
  readonly schema: 1;
  readonly releases: readonly {
    readonly product: ProductId;
    readonly guid: PackageGuid;
    readonly version: string;
    /** Every package that the release contains, oldest first. */
    readonly installed: readonly PackageGuid[];
  }[];
}

/** What each site says of itself upward, as a record. */
export interface SiteFacts {
  readonly schema: 1;
  readonly site: SiteCode;
  readonly type: SiteType;
  readonly products: readonly {
    readonly product: ProductId;
    readonly version: string;
    readonly installed: readonly PackageGuid[];
  }[];
  readonly platform: { readonly os: string; readonly arch: string };
}
