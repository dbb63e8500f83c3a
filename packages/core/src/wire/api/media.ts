import { type Static, Type } from 'typebox';
import { mediumChoices } from '../../domain/exchange/medium.ts';
import { closed, countField, digestField, textField } from '../fields.ts';

const pathField = textField(4000);

/** What an administrator can ask of a site server about media, by the name it has in the API. */
export const mediaInputs = {
  /** Paths are the site server's own. */
  'tool-prepare': Type.Object(
    {
      to: pathField,
      choice: Type.Optional(Type.Enum([...mediumChoices])),
      /** In place of the one that waits, or that the vendor has refused. */
      enrolmentCode: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
    },
    closed,
  ),
  'tool-import': Type.Object(
    { from: Type.Array(pathField, { minItems: 1, maxItems: 200 }), by: textField(200) },
    closed,
  ),
  /** What would go out. Nothing is fixed or numbered by it but what `usage show` fixes too. */
  'tool-due': Type.Object({}, closed),
  'media-age': Type.Object({}, closed),
  'set-media-age': Type.Object({ maxAgeMs: Type.Integer({ minimum: 0 }), by: textField(200) }, closed),
} as const;

export type MediaApiName = keyof typeof mediaInputs;
export type MediaApiInput<N extends MediaApiName> = Static<(typeof mediaInputs)[N]>;

const envelopeResult = Type.Object({
  what: Type.String(),
  payloadSha256: digestField,
  sizeBytes: countField(),
});

export const preparedResult = Type.Object({
  file: Type.String(),
  hierarchyId: Type.String(),
  sequence: countField(1),
  preparedAt: Type.String(),
  vendor: Type.Object({ name: Type.String(), url: Type.String() }),
  envelopes: Type.Array(envelopeResult),
  heldBlobs: countField(),
});

/** What is due out, in clear: for the people of this hierarchy. */
export const dueResult = Type.Object({
  hierarchyId: Type.String(),
  vendorUrl: Type.String(),
  products: Type.Array(Type.Object({ product: Type.String(), version: Type.String() })),
  heldBlobs: countField(),
  envelopes: Type.Array(
    Type.Object({ ...envelopeResult.properties, payloadType: Type.String(), payload: Type.String() }),
  ),
});

/** What a medium brought, channel by channel. */
export const importResult = Type.Object({
  writtenAt: Type.String(),
  /** False when a part is missing or was not written to its end. */
  complete: Type.Boolean(),
  metadata: Type.Object({
    result: Type.Enum(['taken', 'known', 'refused']),
    code: Type.Optional(Type.String()),
    message: Type.Optional(Type.String()),
  }),
  receipts: countField(),
  offer: Type.Object({
    result: Type.Enum(['taken', 'known', 'none', 'refused']),
    message: Type.Optional(Type.String()),
  }),
  /** Blobs that were verified and taken. */
  blobs: countField(),
  sizeBytes: countField(),
  /** Blobs of the medium that were here already. */
  knownBlobs: countField(),
  /** Listed for this hierarchy, and on none of the media given. */
  absentBlobs: countField(),
  /** What it lists and no trusted catalogue names: not taken. */
  strangeBlobs: countField(),
  packages: Type.Array(
    Type.Object({
      guid: Type.String(),
      name: Type.String(),
      version: Type.String(),
      /** Nothing of it is missing here. */
      whole: Type.Boolean(),
    }),
  ),
  /** What was not as it should be, or needs somebody. */
  notes: Type.Array(Type.String()),
});

export const mediaAgeResult = Type.Object({
  maxAgeMs: countField(),
  changedAt: Type.Optional(Type.String()),
  changedBy: Type.Optional(Type.String()),
});

export type PreparedResult = Static<typeof preparedResult>;
export type DueResult = Static<typeof dueResult>;
export type ImportResult = Static<typeof importResult>;
export type MediaAgeResult = Static<typeof mediaAgeResult>;
