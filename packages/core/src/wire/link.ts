import { Type } from 'typebox';
import { documentFormat } from './document-format.ts';
import { countField, epochField, siteCodeField, textField } from './fields.ts';
import { envelopeField } from './join.ts';

/** Protocols of the site link that this release speaks. Whoever shares none with the other side says so. */
export const linkProtocols = { lowest: 1, highest: 1 } as const;

/** Limits of one message of a link. Records beyond them wait for the next message. */
export const linkLimits = {
  /** Of one message; far above a full batch. */
  messageMaxBytes: 32 * 1024 * 1024,
  batchRecordsMax: 500,
  /** A batch ends with the record that goes beyond this. */
  batchMaxBytes: 4 * 1024 * 1024,
  /** How long a parent may keep a child waiting for records. */
  waitMaxMs: 60_000,
} as const;

const protocolField = countField(1, 1_000_000);

export const helloFormat = documentFormat({
  name: 'link greeting',
  // The largest roster there may be, in base64 within its envelope, and room for the rest.
  maxBytes: 12 * 1024 * 1024,
  schema: Type.Object({
    site: siteCodeField,
    epoch: epochField,
    protocols: Type.Object({ lowest: protocolField, highest: protocolField }),
    tufVersions: Type.Record(Type.String({ minLength: 1, maxLength: 200 }), countField(), {
      maxProperties: 1000,
    }),
    head: countField(),
    cursor: countField(),
    peerEpoch: epochField,
    fork: Type.Optional(textField(4000)),
    proof: Type.Optional(Type.Object({ operatingKey: envelopeField, roster: envelopeField })),
  }),
});

export const pullFormat = documentFormat({
  name: 'request for records',
  maxBytes: 1024,
  schema: Type.Object({ after: countField(), waitMs: countField(0, linkLimits.waitMaxMs) }),
});

/** Records as one message carries them; each is judged for itself after that. */
export const batchFormat = documentFormat({
  name: 'batch of records',
  maxBytes: linkLimits.messageMaxBytes,
  schema: Type.Object({
    records: Type.Array(Type.Unknown(), { maxItems: linkLimits.batchRecordsMax }),
    cursor: countField(),
  }),
});

/** Why a request was refused; `code` is one of `LinkErrorCode`. */
export const refusalFormat = documentFormat({
  name: 'refusal',
  maxBytes: 64 * 1024,
  schema: Type.Object({ code: textField(100), message: textField(8000) }),
});
