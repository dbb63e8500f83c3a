import { type Static, Type, type TSchema } from 'typebox';
import type {
  Feature,
  Licence,
  PackageContent,
  PackageDescriptor,
  Prerequisite,
} from '../domain/updates/package.ts';
import { kibibytes, mebibytes } from '../shared/units.ts';
import { compareVersions } from '../shared/version.ts';
import { commandField, healthCheckField, hookField } from './command-schema.ts';
import { type DocumentFormat, documentFormat } from './document-format.ts';
import { documentEncodingProblems, documentEncodingsField } from './encodings.ts';
import {
  blobRefField,
  closed,
  countField,
  dateField,
  duplicates,
  guidField,
  nameField,
  productField,
  ringField,
  siteTypeField,
  textField,
  versionField,
} from './fields.ts';
import { ruleField } from './rule-schema.ts';
import type { Problem } from './wire-error.ts';

export const packageKindField = Type.Enum(['baseline', 'version-update', 'hotfix', 'out-of-band']);

/** A check of a kind that this version does not know makes the package unreadable: it cannot be called met. */
const prerequisiteField = Type.Object(
  {
    id: nameField,
    title: textField(200),
    severity: Type.Enum(['error', 'warning']),
    remedy: textField(2000),
    siteTypes: Type.Optional(Type.Array(siteTypeField, { minItems: 1, uniqueItems: true })),
    check: Type.Union([
      Type.Object({ kind: Type.Literal('rule'), rule: ruleField }, closed),
      Type.Object({ kind: Type.Literal('free-disk'), sizeBytes: countField(1) }, closed),
      Type.Object({ kind: Type.Literal('command'), command: commandField }, closed),
      Type.Object({ kind: Type.Literal('no-pending-work') }, closed),
    ]),
  } satisfies Record<keyof Prerequisite, TSchema>,
  closed,
);

const licenceBytesMax = kibibytes(64);

const licenceField = Type.Object({
  name: textField(200),
  text: Type.Refine(
    Type.String({ minLength: 1 }),
    (text) => new TextEncoder().encode(text).length <= licenceBytesMax,
    () => `must have at most ${licenceBytesMax} bytes`,
  ),
} satisfies Record<keyof Licence, TSchema>);

const featureField = Type.Object({
  id: nameField,
  name: textField(200),
  kind: Type.Enum(['optional', 'pre-release']),
} satisfies Record<keyof Feature, TSchema>);

const contentField = Type.Object({
  tree: blobRefField,
  encodings: blobRefField,
  documentEncodings: Type.Optional(documentEncodingsField),
  fileCount: countField(),
  totalBytes: countField(),
} satisfies Record<keyof PackageContent, TSchema>);

const webLink = Type.Refine(
  Type.String({ maxLength: 2000 }),
  (text) => ['http:', 'https:'].includes(URL.parse(text)?.protocol ?? ''),
  () => 'must be an http or https address',
);

/** Fields that a later version adds are ignored; what must not be ignored needs another `schema`. */
const schema = Type.Object({
  schema: Type.Literal(1),
  guid: guidField,
  product: productField,
  name: textField(200),
  description: Type.String({ maxLength: 20_000 }),
  kind: packageKindField,
  version: versionField,
  appliesTo: Type.Object(
    { lowest: Type.Optional(versionField), highest: Type.Optional(versionField) },
    closed,
  ),
  supersedes: Type.Array(guidField, { maxItems: 1000, uniqueItems: true }),
  requires: Type.Array(guidField, { maxItems: 100, uniqueItems: true }),
  ring: ringField,
  impact: Type.Array(Type.Enum(['site-server', 'console', 'client']), { uniqueItems: true }),
  releasedAt: dateField,
  supportEndsAt: Type.Optional(dateField),
  licence: Type.Optional(licenceField),
  moreInfo: Type.Optional(webLink),
  applicability: Type.Optional(ruleField),
  prerequisites: Type.Array(prerequisiteField, { maxItems: 200 }),
  features: Type.Array(featureField, { maxItems: 200 }),
  content: contentField,
  hooks: Type.Array(hookField, { maxItems: 100 }),
  healthCheck: Type.Optional(healthCheckField),
} satisfies Record<keyof PackageDescriptor, TSchema>);

export const descriptorFormat: DocumentFormat<PackageDescriptor> = documentFormat({
  name: 'package descriptor',
  schema,
  maxBytes: mebibytes(1),
  rules,
});

/** @throws {WireError} as `DocumentFormat.parse` */
export function parseDescriptor(bytes: Uint8Array): PackageDescriptor {
  return descriptorFormat.parse(bytes);
}

function rules(descriptor: Static<typeof schema>): readonly Problem[] {
  const { lowest, highest } = descriptor.appliesTo;
  const problems: Problem[] = [
    ...duplicates(
      descriptor.prerequisites,
      ({ id }) => id,
      (index) => `/prerequisites/${index}/id`,
    ),
    ...duplicates(
      descriptor.features,
      ({ id }) => id,
      (index) => `/features/${index}/id`,
    ),
    ...duplicates(
      descriptor.hooks,
      ({ id }) => id,
      (index) => `/hooks/${index}/id`,
    ),
  ];
  if (lowest !== undefined && highest !== undefined && compareVersions(lowest, highest) > 0) {
    problems.push({
      path: '/appliesTo',
      message: `must not begin above its end: ${lowest} is newer than ${highest}`,
    });
  }
  for (const field of ['requires', 'supersedes'] as const) {
    const index = descriptor[field].indexOf(descriptor.guid);
    if (index >= 0) {
      problems.push({ path: `/${field}/${index}`, message: 'must not be the package itself' });
    }
  }
  const { content } = descriptor;
  for (const document of ['tree', 'encodings'] as const) {
    const path = `/content/documentEncodings/${document}`;
    problems.push(
      ...documentEncodingProblems(content[document], content.documentEncodings?.[document] ?? [], path),
    );
  }
  return problems;
}
