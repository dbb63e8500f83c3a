import { Type, type TSchema } from 'typebox';
import type { UpdateEvent } from '../domain/updates/event.ts';
import { updateEventNames } from '../domain/updates/state-transitions.ts';
import { mebibytes } from '../shared/units.ts';
import { type DocumentFormat, documentFormat } from './document-format.ts';
import { countField, guidField, siteCodeField } from './fields.ts';

const schema = Type.Object({
  guid: guidField,
  site: siteCodeField,
  attempt: countField(),
  sequence: countField(1),
  event: Type.Enum([...updateEventNames]),
  at: countField(),
  data: Type.Record(Type.String(), Type.Unknown()),
} satisfies Record<keyof UpdateEvent, TSchema>);

/** The body of an `update-event` record. Whether it may follow the events before it, `foldEvent` says. */
export const updateEventFormat: DocumentFormat<UpdateEvent> = documentFormat({
  name: 'update event',
  schema,
  maxBytes: mebibytes(1),
});
