import { Type, type TSchema } from 'typebox';
import type { Catalogue, CatalogueEntry } from '../domain/updates/package.ts';
import { mebibytes } from '../shared/units.ts';
import { packageKindField } from './descriptor.ts';
import { type DocumentFormat, documentFormat } from './document-format.ts';
import {
  blobRefField,
  dateField,
  duplicates,
  guidField,
  productField,
  textField,
  versionField,
} from './fields.ts';

const entryField = Type.Object({
  guid: guidField,
  kind: packageKindField,
  version: versionField,
  descriptor: blobRefField,
  withdrawn: Type.Optional(Type.Object({ at: dateField, reason: textField(2000) })),
} satisfies Record<keyof CatalogueEntry, TSchema>);

const schema = Type.Object({
  schema: Type.Literal(1),
  product: productField,
  productName: textField(200),
  requiresUsageData: Type.Boolean(),
  packages: Type.Array(entryField, { maxItems: 20_000 }),
} satisfies Record<keyof Catalogue, TSchema>);

export const catalogueFormat: DocumentFormat<Catalogue> = documentFormat({
  name: 'catalogue',
  schema,
  maxBytes: mebibytes(16),
  rules: (catalogue) =>
    duplicates(
      catalogue.packages,
      ({ guid }) => guid,
      (index) => `/packages/${index}/guid`,
    ),
});

/** @throws {WireError} as `DocumentFormat.parse` */
export function parseCatalogue(bytes: Uint8Array): Catalogue {
  return catalogueFormat.parse(bytes);
}
