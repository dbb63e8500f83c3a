import { Type, type TSchema } from 'typebox';
import type { ServiceInfo } from '../domain/updates/package.ts';
import { kibibytes } from '../shared/units.ts';
import { type DocumentFormat, documentFormat } from './document-format.ts';
import { productField, publicKeyField, textField } from './fields.ts';

const schema = Type.Object({
  schema: Type.Literal(1),
  vendor: textField(200),
  products: Type.Array(productField, { maxItems: 1000, uniqueItems: true }),
  offerKeys: Type.Array(publicKeyField, { maxItems: 20, uniqueItems: true }),
  sealKeys: Type.Optional(Type.Array(publicKeyField, { maxItems: 20, uniqueItems: true })),
} satisfies Record<keyof ServiceInfo, TSchema>);

export const serviceInfoFormat: DocumentFormat<ServiceInfo> = documentFormat({
  name: 'service description',
  schema,
  maxBytes: kibibytes(128),
});

/** @throws {WireError} as `DocumentFormat.parse` */
export function parseServiceInfo(bytes: Uint8Array): ServiceInfo {
  return serviceInfoFormat.parse(bytes);
}
