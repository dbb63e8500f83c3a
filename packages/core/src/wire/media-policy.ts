import { Type, type TSchema } from 'typebox';
import type { MediaPolicy } from '../domain/exchange/media-policy.ts';
import { days } from '../shared/units.ts';
import { type DocumentFormat, documentFormat } from './document-format.ts';
import { instantField, textField } from './fields.ts';

/** Ten years: longer than a root lives, which no limit extends. */
export const mediaAgeMaxMs = days(3650);

/** A policy of another release may say more. */
export const mediaPolicyFormat: DocumentFormat<MediaPolicy> = documentFormat({
  name: 'media policy',
  schema: Type.Object({
    schema: Type.Literal(1),
    maxAgeMs: Type.Integer({ minimum: 0, maximum: mediaAgeMaxMs }),
    changedAt: instantField,
    changedBy: textField(200),
  } satisfies Record<keyof MediaPolicy, TSchema>),
  maxBytes: 4096,
});
