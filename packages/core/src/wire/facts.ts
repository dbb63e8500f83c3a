import { Type, type TSchema } from 'typebox';
import type { ProductFacts, SiteFacts, SiteReleases, TargetingFacts } from '../domain/exchange/exchange.ts';
import { mebibytes } from '../shared/units.ts';
import { type DocumentFormat, documentFormat } from './document-format.ts';
import {
  closed,
  countField,
  duplicates,
  guidField,
  hierarchyIdField,
  instantField,
  productField,
  ringField,
  siteCodeField,
  siteTypeField,
  textField,
  versionField,
} from './fields.ts';

const platformField = Type.Object({ os: textField(100), arch: textField(100) }, closed);
const installedField = Type.Array(guidField, { maxItems: 20_000, uniqueItems: true });

const productFactsField = Type.Object(
  {
    product: productField,
    version: versionField,
    installed: installedField,
    versions: Type.Array(
      Type.Object({ version: versionField, type: siteTypeField, sites: countField(1) }, closed),
      { maxItems: 10_000 },
    ),
  } satisfies Record<keyof ProductFacts, TSchema>,
  closed,
);

/** Closed: a hierarchy reports what is listed here and nothing else, and its cloud accepts nothing else. */
const targetingSchema = Type.Object(
  {
    schema: Type.Literal(1),
    hierarchyId: hierarchyIdField,
    epoch: countField(),
    sequence: countField(1),
    collectedAt: instantField,
    ring: ringField,
    siteCounts: Type.Object(
      { central: countField(0, 1), primary: countField(), secondary: countField() },
      closed,
    ),
    products: Type.Array(productFactsField, { maxItems: 1000 }),
    platform: platformField,
  } satisfies Record<keyof TargetingFacts, TSchema>,
  closed,
);

export const targetingFactsFormat: DocumentFormat<TargetingFacts> = documentFormat({
  name: 'targeting facts',
  schema: targetingSchema,
  maxBytes: mebibytes(4),
  rules: (facts) =>
    duplicates(
      facts.products,
      ({ product }) => product,
      (index) => `/products/${index}/product`,
    ),
});

/** @throws {WireError} as `DocumentFormat.parse` */
export function parseTargetingFacts(bytes: Uint8Array): TargetingFacts {
  return targetingFactsFormat.parse(bytes);
}

/** Not closed: a newer child site may say more than its parent knows of. */
const siteSchema = Type.Object({
  schema: Type.Literal(1),
  site: siteCodeField,
  type: siteTypeField,
  products: Type.Array(
    Type.Object({ product: productField, version: versionField, installed: installedField }),
    { maxItems: 1000 },
  ),
  platform: Type.Object({ os: textField(100), arch: textField(100) }),
} satisfies Record<keyof SiteFacts, TSchema>);

/** The body of a `site-facts` record. */
export const siteFactsFormat: DocumentFormat<SiteFacts> = documentFormat({
  name: 'site facts',
  schema: siteSchema,
  maxBytes: mebibytes(4),
  rules: (facts) =>
    duplicates(
      facts.products,
      ({ product }) => product,
      (index) => `/products/${index}/product`,
    ),
});

/** Not closed, for the same reason. */
const releasesSchema = Type.Object({
  schema: Type.Literal(1),
  releases: Type.Array(
    Type.Object({ product: productField, guid: guidField, version: versionField, installed: installedField }),
    { maxItems: 1000 },
  ),
} satisfies Record<keyof SiteReleases, TSchema>);

/** The body of a `site-releases` record. */
export const siteReleasesFormat: DocumentFormat<SiteReleases> = documentFormat({
  name: 'releases of a site',
  schema: releasesSchema,
  maxBytes: mebibytes(1),
});
