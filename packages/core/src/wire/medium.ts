import { type Static, Type, type TSchema } from 'typebox';
import type { BlobRef } from '../domain/content/tree.ts';
import {
  type MediumHierarchy,
  type MediumImport,
  type MediumIndex,
  type MediumPackage,
  type MediumRequest,
  mediumChoices,
  type MetadataVersions,
  type RequestPart,
} from '../domain/exchange/medium.ts';
import { digest, type HierarchyId } from '../shared/ids.ts';
import { kibibytes, mebibytes } from '../shared/units.ts';
import { type DocumentFormat, documentFormat } from './document-format.ts';
import {
  base64Field,
  countField,
  digestField,
  duplicates,
  epochField,
  guidField,
  hierarchyIdField,
  instantField,
  productField,
  textField,
  versionField,
} from './fields.ts';
import { envelopeField } from './join.ts';

/** The file by which a medium is known, and read first. */
export const mediumIndexName = 'sallyport-medium.json';

const vendorField = Type.Object({ name: textField(200), url: textField(2000) });
const rootField = Type.Object({ version: countField(1), sha256: digestField });
const versionsField = Type.Object({
  root: countField(1),
  timestamp: countField(),
  snapshot: countField(),
  targets: countField(),
} satisfies Record<keyof MetadataVersions, TSchema>);

/** Answers to one hierarchy: receipts and offers, each signed by itself. */
export const answersMaxBytes = mebibytes(32);
/** A line of a content list is a digest and a size. */
const contentLineMaxBytes = 64 + 1 + 16 + 1;
export const contentListMaxBytes = contentLineMaxBytes * 2_000_000;
/** The envelope of a request's index. */
export const requestEnvelopeMaxBytes = mebibytes(2) + kibibytes(64);

/** Names of parts are plain: nothing that a folder could take for more than a name. */
const partField = Type.Object({
  name: Type.String({ pattern: '^[a-z0-9][a-z0-9.-]{0,63}$' }),
  sizeBytes: countField(),
  sha256: digestField,
  envelope: Type.Optional(Type.Object({ what: textField(200), payloadSha256: digestField })),
} satisfies Record<keyof RequestPart, TSchema>);

const importField = Type.Object({
  importedAt: instantField,
  writtenAt: instantField,
  receipts: countField(),
  offer: Type.Optional(countField(1)),
  blobs: countField(),
  sizeBytes: countField(),
} satisfies Record<keyof MediumImport, TSchema>);

/** Envelopes that wait at one hierarchy: a year of reports, and what goes along. */
const partsMax = 1000;

/** Not closed: a tool reads the requests of newer sites, as far as their schema is known to it. */
export const mediumRequestFormat: DocumentFormat<MediumRequest> = documentFormat({
  name: 'request for a medium',
  schema: Type.Object({
    schema: Type.Literal(1),
    madeBy: textField(50),
    hierarchyId: hierarchyIdField,
    operatingKey: envelopeField,
    epoch: epochField,
    sequence: countField(1),
    preparedAt: instantField,
    vendor: vendorField,
    root: rootField,
    trusted: Type.Optional(versionsField),
    products: Type.Array(Type.Object({ product: productField, version: versionField }), { maxItems: 1000 }),
    choice: Type.Optional(Type.Enum([...mediumChoices])),
    parts: Type.Array(partField, { maxItems: partsMax }),
    heldBlobs: countField(),
    lastImport: Type.Optional(importField),
  } satisfies Record<keyof MediumRequest, TSchema>),
  maxBytes: mebibytes(1),
  rules: (request) =>
    duplicates(
      request.parts,
      ({ name }) => name,
      (index) => `/parts/${index}/name`,
    ),
});

const packageField = Type.Object({
  guid: guidField,
  product: productField,
  name: textField(300),
  version: versionField,
  kind: Type.Enum(['baseline', 'version-update', 'hotfix', 'out-of-band']),
} satisfies Record<keyof MediumPackage, TSchema>);

const hierarchyField = Type.Object({
  hierarchyId: hierarchyIdField,
  epoch: epochField,
  sequence: countField(1),
  preparedAt: instantField,
  packages: Type.Array(packageField, { maxItems: 20_000 }),
  blobs: countField(),
  sizeBytes: countField(),
  missingBlobs: countField(),
  missingBytes: countField(),
  problems: Type.Array(textField(4000), { maxItems: 200 }),
} satisfies Record<keyof MediumHierarchy, TSchema>);

/** Not closed, for the same reason. */
export const mediumIndexFormat: DocumentFormat<MediumIndex> = documentFormat({
  name: 'index of a medium',
  schema: Type.Object({
    schema: Type.Literal(1),
    madeBy: textField(50),
    vendor: vendorField,
    roots: Type.Array(rootField, { maxItems: 10_000 }),
    metadata: Type.Optional(versionsField),
    writtenAt: instantField,
    part: countField(1),
    parts: countField(1),
    complete: Type.Boolean(),
    hierarchies: Type.Array(hierarchyField, { maxItems: 10_000 }),
  } satisfies Record<keyof MediumIndex, TSchema>),
  maxBytes: mebibytes(16),
  rules: (index) =>
    duplicates(
      index.hierarchies,
      ({ hierarchyId }) => hierarchyId,
      (at) => `/hierarchies/${at}/hierarchyId`,
    ),
});

const answerSchema = Type.Object({
  schema: Type.Literal(1),
  envelopes: Type.Array(base64Field, { maxItems: 4000 }),
  /** What the vendor did not take, by the payload that was sent. Not signed: a word to people. */
  refused: Type.Array(
    Type.Object({ payloadSha256: digestField, code: textField(100), message: textField(2000) }),
    { maxItems: partsMax },
  ),
});

/** `answers/<hierarchy>/answer.json`: what the vendor answered to one hierarchy. */
export const mediumAnswerFormat: DocumentFormat<Static<typeof answerSchema>> = documentFormat({
  name: 'answer on a medium',
  schema: answerSchema,
  maxBytes: answersMaxBytes,
});

/** Where one hierarchy finds its own on a medium. */
export function mediumPlaces(hierarchyId: HierarchyId): {
  readonly answer: string;
  readonly content: string;
} {
  return { answer: `answers/${hierarchyId}/answer.json`, content: `answers/${hierarchyId}/content.txt` };
}

/** A content list: a digest and a size a line. */
export function printContentList(blobs: Iterable<BlobRef>): Uint8Array {
  return new TextEncoder().encode(
    [...blobs].map(({ sha256, sizeBytes }) => `${sha256} ${sizeBytes}\n`).join(''),
  );
}

/** Lines that are none of a content list are passed over: whatever they named is not taken. */
export function parseContentList(bytes: Uint8Array): readonly BlobRef[] {
  return new TextDecoder()
    .decode(bytes)
    .split('\n')
    .flatMap((line) => {
      const [, sha256, sizeText] = /^([0-9a-f]{64}) (\d{1,15})$/.exec(line) ?? [];
      return sha256 === undefined ? [] : [{ sha256: digest(sha256), sizeBytes: Number(sizeText) }];
    });
}
