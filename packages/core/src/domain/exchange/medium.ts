import type { EnvelopeJson } from '../sites/joining.ts';
import type { PackageKind } from '../updates/package.ts';
import type { Digest, HierarchyId, PackageGuid, ProductId } from '../../shared/ids.ts';

/**
 * Which packages a courier brings: the newest applicable version update of each product; what is newer than the
 * site's version, hotfixes included; all hotfixes; everything.
 */
export type MediumChoice = 'all' | 'hotfixes' | 'newest' | 'site-version';

export const mediumChoices: readonly MediumChoice[] = ['newest', 'site-version', 'hotfixes', 'all'];

/** Versions of the vendor's top-level metadata. */
export interface MetadataVersions {
  readonly root: number;
  readonly timestamp: number;
  readonly snapshot: number;
  readonly targets: number;
}

/** A part of a request file, beside its index. */
export interface RequestPart {
  readonly name: string;
  readonly sizeBytes: number;
  readonly sha256: Digest;
  /** An envelope's: for people, and the payload that its receipt will name. */
  readonly envelope?: { readonly what: string; readonly payloadSha256: Digest };
}

/**
 * What a courier may know of a hierarchy that asks for a medium: signed by its operating key, in clear. What the
 * vendor alone may know are the sealed envelopes beside it.
 */
export interface MediumRequest {
  readonly schema: 1;
  /** Release of the program that made it. */
  readonly madeBy: string;
  readonly hierarchyId: HierarchyId;
  /** The recovery key's word for the operating key that signed this. */
  readonly operatingKey: EnvelopeJson;
  /** Rises with each request of an epoch: of two, the higher counts. */
  readonly epoch: number;
  readonly sequence: number;
  readonly preparedAt: string;
  readonly vendor: { readonly name: string; readonly url: string };
  /** The root that the site trusts, which lies in the part `root.json`. */
  readonly root: { readonly version: number; readonly sha256: Digest };
  /** What the site holds of the vendor's metadata; absent before the first. */
  readonly trusted?: MetadataVersions;
  readonly products: readonly { readonly product: ProductId; readonly version: string }[];
  /** What the administrator wants brought, where the courier is told nothing else. */
  readonly choice?: MediumChoice;
  readonly parts: readonly RequestPart[];
  /** Blobs that the part `have` lists. */
  readonly heldBlobs: number;
  /** What the last import here came to. */
  readonly lastImport?: MediumImport;
}

/** A site's own word on a medium that it has taken in. */
export interface MediumImport {
  readonly importedAt: string;
  /** When the medium was written, by its index. */
  readonly writtenAt: string;
  readonly receipts: number;
  readonly offer?: number;
  readonly blobs: number;
  readonly sizeBytes: number;
}

/** A package that was brought for a hierarchy. */
export interface MediumPackage {
  readonly guid: PackageGuid;
  readonly product: ProductId;
  readonly name: string;
  readonly version: string;
  readonly kind: PackageKind;
}

/** What one hierarchy finds on a medium. */
export interface MediumHierarchy {
  readonly hierarchyId: HierarchyId;
  /** Of the request that it answers. */
  readonly epoch: number;
  readonly sequence: number;
  readonly preparedAt: string;
  readonly packages: readonly MediumPackage[];
  /** Its content list, in all parts together. */
  readonly blobs: number;
  readonly sizeBytes: number;
  /** What of that is on no part yet. */
  readonly missingBlobs: number;
  readonly missingBytes: number;
  /** What went wrong for it, for people. */
  readonly problems: readonly string[];
}

/** `sallyport-medium.json`: read first, believed never. Everything that counts is signed or named by digest. */
export interface MediumIndex {
  readonly schema: 1;
  readonly madeBy: string;
  readonly vendor: { readonly name: string; readonly url: string };
  /** The roots that are on the medium, by version: another vendor has others. */
  readonly roots: readonly { readonly version: number; readonly sha256: Digest }[];
  readonly metadata?: MetadataVersions;
  readonly writtenAt: string;
  /** This one of so many; 1 of 1 for a whole. */
  readonly part: number;
  readonly parts: number;
  /** False while it is being written: what is there may be taken all the same. */
  readonly complete: boolean;
  readonly hierarchies: readonly MediumHierarchy[];
}
