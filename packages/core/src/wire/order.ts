import { Type, type TSchema } from 'typebox';
import { orderSequenceMax } from '../domain/sites/epoch.ts';
import type { LicenceAcceptance, Order, WarningConsent } from '../domain/updates/order.ts';
import { mebibytes } from '../shared/units.ts';
import { type DocumentFormat, documentFormat } from './document-format.ts';
import {
  blobRefField,
  closed,
  countField,
  digestField,
  guidField,
  hierarchyIdField,
  instantField,
  nameField,
  productField,
  siteCodeField,
  textField,
} from './fields.ts';

const sitesMax = 10_000;

const consentField = Type.Object(
  {
    by: textField(200),
    at: instantField,
    warnings: Type.Array(
      Type.Object({ site: siteCodeField, prerequisite: nameField, title: textField(200) }, closed),
      { minItems: 1, maxItems: 10 * sitesMax },
    ),
  } satisfies Record<keyof WarningConsent, TSchema>,
  closed,
);

const licenceField = Type.Object(
  { by: textField(200), at: instantField, textSha256: digestField } satisfies Record<
    keyof LicenceAcceptance,
    TSchema
  >,
  closed,
);

/** Closed: an order that is not understood to its last word is not carried out. */
const schema = Type.Object(
  {
    schema: Type.Literal(1),
    hierarchyId: hierarchyIdField,
    sequence: countField(1, orderSequenceMax),
    action: Type.Enum(['check-prerequisites', 'install', 'cancel']),
    product: productField,
    guid: guidField,
    descriptor: blobRefField,
    attempt: countField(1),
    sites: Type.Union([
      Type.Literal('primaries'),
      Type.Array(siteCodeField, { minItems: 1, maxItems: sitesMax, uniqueItems: true }),
    ]),
    issuedAt: instantField,
    issuedBy: textField(200),
    consent: Type.Optional(consentField),
    licence: Type.Optional(licenceField),
    features: Type.Array(nameField, { maxItems: 200, uniqueItems: true }),
  } satisfies Record<keyof Order, TSchema>,
  closed,
);

export const orderFormat: DocumentFormat<Order> = documentFormat({
  name: 'order',
  schema,
  maxBytes: mebibytes(16),
});

/** @throws {WireError} as `DocumentFormat.parse` */
export function parseOrder(bytes: Uint8Array): Order {
  return orderFormat.parse(bytes);
}
