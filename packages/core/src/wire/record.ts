import { Type, type TSchema } from 'typebox';
import type { ReplicatedRecord } from '../domain/sites/site.ts';
import { mebibytes } from '../shared/units.ts';
import { type DocumentFormat, documentFormat } from './document-format.ts';
import { closed, countField, digestField, epochField, siteCodeField, textField } from './fields.ts';

/** Closed: `hash` covers these fields, and nothing travels that it does not cover. */
const schema = Type.Object(
  {
    owner: siteCodeField,
    kind: Type.Enum([
      'roster',
      'operating-key',
      'order',
      'site-releases',
      'join-answer',
      'usage-policy',
      'media-policy',
      'site-status',
      'site-facts',
      'update-event',
      'join-request',
      'site-usage',
    ]),
    key: textField(300),
    epoch: epochField,
    n: countField(1),
    body: Type.Unknown(),
    hash: digestField,
  } satisfies Record<keyof ReplicatedRecord, TSchema>,
  closed,
);

/** The body is JSON and not looked into; `hash` is not compared (`record-hash.ts` makes it). */
export const recordFormat: DocumentFormat<ReplicatedRecord> = documentFormat({
  name: 'replicated record',
  schema,
  maxBytes: mebibytes(16),
});
