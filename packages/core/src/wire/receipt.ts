import { Type, type TSchema } from 'typebox';
import type { Receipt } from '../domain/exchange/exchange.ts';
import { kibibytes } from '../shared/units.ts';
import { type DocumentFormat, documentFormat } from './document-format.ts';
import { digestField, hierarchyIdField, instantField } from './fields.ts';

const schema = Type.Object({
  schema: Type.Literal(1),
  hierarchyId: hierarchyIdField,
  payloadSha256: digestField,
  acceptedAt: instantField,
} satisfies Record<keyof Receipt, TSchema>);

export const receiptFormat: DocumentFormat<Receipt> = documentFormat({
  name: 'receipt',
  schema,
  maxBytes: kibibytes(16),
});

/** @throws {WireError} as `DocumentFormat.parse` */
export function parseReceipt(bytes: Uint8Array): Receipt {
  return receiptFormat.parse(bytes);
}
