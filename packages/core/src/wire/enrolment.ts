import { Type, type TSchema } from 'typebox';
import type { Enrolment } from '../domain/exchange/enrolment.ts';
import { mebibytes } from '../shared/units.ts';
import { type DocumentFormat, documentFormat } from './document-format.ts';
import { base64Field, closed, hierarchyIdField } from './fields.ts';

const schema = Type.Object(
  {
    schema: Type.Literal(1),
    hierarchyId: hierarchyIdField,
    code: Type.String({ minLength: 1, maxLength: 200 }),
    statement: base64Field,
  } satisfies Record<keyof Enrolment, TSchema>,
  closed,
);

/** The payload of an envelope of type `payloadTypes.enrolment`. */
export const enrolmentFormat: DocumentFormat<Enrolment> = documentFormat({
  name: 'enrolment',
  schema,
  maxBytes: mebibytes(1),
});
