import type { BlobRef } from '../content/tree.ts';
import type { HierarchyId, PackageGuid, ProductId, SiteCode } from '../../shared/ids.ts';

/**
 * What the top-tier site tells sites to do with a package: DSSE-signed by the hierarchy's operating
 * key, replicated as records, verified by every site for itself.
 */
export interface Order {
  readonly schema: 1;
  readonly hierarchyId: HierarchyId;
  /** Rises by one with every order of the hierarchy; a site ignores one that it has passed. */
  readonly sequence: number;
  readonly action: OrderAction;
  readonly product: ProductId;
  readonly guid: PackageGuid;
  readonly descriptor: BlobRef;
  /** Counts the hierarchy's attempts at this package, from 1. A retry is a new attempt. */
  readonly attempt: number;
  /** Sites it is for. `primaries`: the top-tier site and every primary. */
  readonly sites: 'primaries' | readonly SiteCode[];
  readonly issuedAt: string;
  readonly issuedBy: string;
  readonly consent?: WarningConsent;
  readonly licence?: LicenceAcceptance;
  readonly features: readonly string[];
}

export type OrderAction = 'check-prerequisites' | 'install' | 'cancel';

/** Somebody's word to go on in spite of these warnings and no others. */
export interface WarningConsent {
  readonly by: string;
  readonly at: string;
  readonly warnings: readonly {
    readonly site: SiteCode;
    readonly prerequisite: string;
    readonly title: string;
  }[];
}

export interface LicenceAcceptance {
  readonly by: string;
  readonly at: string;
  /** SHA-256 of the licence text that was accepted. */
  readonly textSha256: string;
}
