import { type Static, Type } from 'typebox';
import { hierarchyId, type HierarchyId } from '../shared/ids.ts';
import { mebibytes } from '../shared/units.ts';
import { decodeBase64, encodeBase64 } from './base64.ts';
import { type DocumentFormat, documentFormat } from './document-format.ts';
import { base64Field, hierarchyIdField, textField } from './fields.ts';

/** Envelopes in one message; more come in another. */
export const exchangeEnvelopesMax = 64;
/** A whole message over HTTPS, in either direction: the largest usage report, signed and sealed, fits. */
export const exchangeMessageMaxBytes = mebibytes(24);

/** An envelope as its bytes, or, for whoever writes one by hand, as JSON. */
const envelopeField = Type.Union([
  base64Field,
  Type.Object({
    payloadType: Type.String(),
    payload: base64Field,
    signatures: Type.Array(Type.Object({ keyid: Type.Optional(Type.String()), sig: base64Field })),
  }),
]);

const requestSchema = Type.Object({
  envelopes: Type.Array(envelopeField, { maxItems: exchangeEnvelopesMax }),
});

/** POST exchange/v1: the envelopes that go out. */
export const exchangeRequestFormat: DocumentFormat<Static<typeof requestSchema>> = documentFormat({
  name: 'exchange request',
  schema: requestSchema,
  maxBytes: exchangeMessageMaxBytes,
});

const answerSchema = Type.Object({
  envelopes: Type.Array(envelopeField, { maxItems: 4 * exchangeEnvelopesMax }),
  refused: Type.Array(
    Type.Object({
      index: Type.Integer({ minimum: 0, maximum: exchangeEnvelopesMax - 1 }),
      code: textField(100),
      message: textField(2000),
    }),
    { maxItems: exchangeEnvelopesMax },
  ),
});

/** Its answer: the envelopes that come in, and which of the request's were not accepted. */
export const exchangeAnswerFormat: DocumentFormat<Static<typeof answerSchema>> = documentFormat({
  name: 'exchange answer',
  schema: answerSchema,
  maxBytes: exchangeMessageMaxBytes,
});

const enrolSchema = Type.Object({
  code: Type.String({ minLength: 1, maxLength: 200 }),
  hierarchyId: hierarchyIdField,
  statement: envelopeField,
});

/** POST exchange/v1/enrol. `statement` is the hierarchy's operating key statement, signed by its recovery key. */
export const enrolRequestFormat: DocumentFormat<Static<typeof enrolSchema>> = documentFormat({
  name: 'enrolment request',
  schema: enrolSchema,
  maxBytes: mebibytes(1),
});

const failureSchema = Type.Object({ code: textField(100), message: textField(4000) });

/** What either answers when it refuses the message as a whole. */
export const exchangeFailureFormat: DocumentFormat<Static<typeof failureSchema>> = documentFormat({
  name: 'exchange failure',
  schema: failureSchema,
  maxBytes: mebibytes(1),
});

/** The bytes of an envelope in a message that was checked. */
export function envelopeBytesOf(field: Static<typeof envelopeField>): Uint8Array {
  return typeof field === 'string'
    ? (decodeBase64(field) ?? new Uint8Array())
    : new TextEncoder().encode(JSON.stringify(field));
}

/** Envelopes as a message carries them: byte by byte. */
export function envelopeFields(envelopes: readonly Uint8Array[]): string[] {
  return envelopes.map(encodeBase64);
}

/** The parts of an enrolment request. @throws {WireError} as `DocumentFormat.parse` */
export function parseEnrolRequest(bytes: Uint8Array): {
  readonly code: string;
  readonly hierarchyId: HierarchyId;
  readonly statement: Uint8Array;
} {
  const request = enrolRequestFormat.parse(bytes);
  return {
    code: request.code,
    hierarchyId: hierarchyId(request.hierarchyId),
    statement: envelopeBytesOf(request.statement),
  };
}
