import { SallyportError } from './errors.ts';

declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

/** A package's GUID in lower case. A package is its GUID, never its version. */
export type PackageGuid = Branded<'PackageGuid'>;
/** A site code: three of A-Z 0-9 and no reserved device name. */
export type SiteCode = Branded<'SiteCode'>;
/** SHA-256 of the recovery public key (its 32 raw bytes), in lower-case hexadecimal. */
export type HierarchyId = Branded<'HierarchyId'>;
/** SHA-256 of content, in lower-case hexadecimal. */
export type Digest = Branded<'Digest'>;
/** A product kept up to date: lower-case letters, digits and hyphens, at most 63. */
export type ProductId = Branded<'ProductId'>;
/** Milliseconds since 1970-01-01T00:00:00Z. */
export type EpochMs = number;

export type IdErrorCode =
  | 'INVALID_GUID'
  | 'INVALID_SITE_CODE'
  | 'INVALID_HIERARCHY_ID'
  | 'INVALID_DIGEST'
  | 'INVALID_PRODUCT';

/** A text that is no identifier of the kind asked for. */
class IdError extends SallyportError<IdErrorCode> {}

const guidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const hexPattern = /^[0-9a-f]{64}$/;
const productPattern = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const siteCodePattern = /^[A-Z0-9]{3}$/;

/** Names that cannot be site codes: they are devices on Windows, or taken by the product itself. */
const reservedSiteCodes: ReadonlySet<string> = new Set(['AUX', 'CON', 'NUL', 'PRN', 'SMS', 'ENV']);

/** @throws {IdError} INVALID_GUID */
export function packageGuid(text: string): PackageGuid {
  const lower = text.toLowerCase();
  if (!guidPattern.test(lower)) {
    throw new IdError(
      'INVALID_GUID',
      `"${text}" is not a package GUID: write 8-4-4-4-12 hexadecimal digits`,
      { text },
    );
  }
  return lower as PackageGuid;
}

/** @throws {IdError} INVALID_SITE_CODE */
export function siteCode(text: string): SiteCode {
  if (!siteCodePattern.test(text)) {
    throw new IdError('INVALID_SITE_CODE', `"${text}" is not a site code: use exactly three of A-Z and 0-9`, {
      text,
    });
  }
  if (reservedSiteCodes.has(text)) {
    throw new IdError(
      'INVALID_SITE_CODE',
      `"${text}" is reserved and cannot be a site code: choose another`,
      { text },
    );
  }
  return text as SiteCode;
}

/** @throws {IdError} INVALID_HIERARCHY_ID */
export function hierarchyId(text: string): HierarchyId {
  if (!hexPattern.test(text)) {
    throw new IdError(
      'INVALID_HIERARCHY_ID',
      `"${text}" is not a hierarchy id: 64 lower-case hexadecimal digits`,
      { text },
    );
  }
  return text as HierarchyId;
}

/** @throws {IdError} INVALID_DIGEST */
export function digest(text: string): Digest {
  if (!hexPattern.test(text)) {
    throw new IdError('INVALID_DIGEST', `"${text}" is not a SHA-256: 64 lower-case hexadecimal digits`, {
      text,
    });
  }
  return text as Digest;
}

/** @throws {IdError} INVALID_PRODUCT */
export function productId(text: string): ProductId {
  if (!productPattern.test(text)) {
    throw new IdError(
      'INVALID_PRODUCT',
      `"${text}" is not a product id: lower-case letters, digits and inner hyphens, at most 63`,
      { text },
    );
  }
  return text as ProductId;
}
