import { Type, type TSchema } from 'typebox';
import type { Offer } from '../domain/exchange/exchange.ts';
import { mebibytes } from '../shared/units.ts';
import { type DocumentFormat, documentFormat } from './document-format.ts';
import {
  closed,
  countField,
  digestField,
  duplicates,
  guidField,
  hierarchyIdField,
  instantField,
  textField,
} from './fields.ts';

/** Closed: what an offer says of a package narrows, as in a roll-out. */
const packageField = Type.Union([
  Type.Object({ guid: guidField, offered: Type.Literal(true) }, closed),
  Type.Object({ guid: guidField, offered: Type.Literal(false), reason: textField(20_000) }, closed),
]);

const schema = Type.Object({
  schema: Type.Literal(1),
  hierarchyId: hierarchyIdField,
  sequence: countField(1),
  issuedAt: instantField,
  expiresAt: instantField,
  factsSha256: digestField,
  packages: Type.Array(packageField, { maxItems: 100_000 }),
} satisfies Record<keyof Offer, TSchema>);

export const offerFormat: DocumentFormat<Offer> = documentFormat({
  name: 'offer',
  schema,
  maxBytes: mebibytes(16),
  rules: (offer) => [
    ...duplicates(
      offer.packages,
      ({ guid }) => guid,
      (index) => `/packages/${index}/guid`,
    ),
    ...(Date.parse(offer.expiresAt) > Date.parse(offer.issuedAt)
      ? []
      : [{ path: '/expiresAt', message: 'must be after issuedAt' }]),
  ],
});

/** @throws {WireError} as `DocumentFormat.parse` */
export function parseOffer(bytes: Uint8Array): Offer {
  return offerFormat.parse(bytes);
}
