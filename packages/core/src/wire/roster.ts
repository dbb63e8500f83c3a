import { Type, type TSchema } from 'typebox';
import type { OperatingKeyStatement, Roster, RosterEntry } from '../domain/sites/site.ts';
import { kibibytes, mebibytes } from '../shared/units.ts';
import { type DocumentFormat, documentFormat } from './document-format.ts';
import {
  closed,
  countField,
  epochField,
  hierarchyIdField,
  instantField,
  publicKeyField,
  siteCodeField,
  siteTypeField,
  textField,
} from './fields.ts';

/** Not closed: older sites must read the roster of a newer top-tier site, or they could never be updated. */
const entryField = Type.Object({
  code: siteCodeField,
  type: siteTypeField,
  parent: Type.Optional(siteCodeField),
  key: publicKeyField,
  epoch: epochField,
  revoked: Type.Optional(Type.Object({ at: instantField, reason: textField(2000) })),
} satisfies Record<keyof RosterEntry, TSchema>);

const rosterSchema = Type.Object({
  schema: Type.Literal(1),
  hierarchyId: hierarchyIdField,
  version: countField(1),
  sites: Type.Array(entryField, { minItems: 1, maxItems: 10_000 }),
} satisfies Record<keyof Roster, TSchema>);

/** The form only: whether the sites may stand where they do is for `rosterDefects`. */
export const rosterFormat: DocumentFormat<Roster> = documentFormat({
  name: 'roster',
  schema: rosterSchema,
  maxBytes: mebibytes(8),
});

/** @throws {WireError} as `DocumentFormat.parse` */
export function parseRoster(bytes: Uint8Array): Roster {
  return rosterFormat.parse(bytes);
}

const statementSchema = Type.Object(
  {
    schema: Type.Literal(1),
    hierarchyId: hierarchyIdField,
    sequence: countField(1),
    recoveryKey: publicKeyField,
    operatingKey: publicKeyField,
  } satisfies Record<keyof OperatingKeyStatement, TSchema>,
  closed,
);

export const operatingKeyFormat: DocumentFormat<OperatingKeyStatement> = documentFormat({
  name: 'operating key statement',
  schema: statementSchema,
  maxBytes: kibibytes(16),
});

/** @throws {WireError} as `DocumentFormat.parse` */
export function parseOperatingKeyStatement(bytes: Uint8Array): OperatingKeyStatement {
  return operatingKeyFormat.parse(bytes);
}
