import { Type, type TSchema } from 'typebox';
import type { Rollout, RolloutEntry } from '../domain/updates/package.ts';
import { mebibytes } from '../shared/units.ts';
import { type DocumentFormat, documentFormat } from './document-format.ts';
import { ruleField } from './rule-schema.ts';
import { closed, countField, duplicates, guidField, productField, ringField, textField } from './fields.ts';

const because = Type.Object({ reason: textField(2000) }, closed);

/** Closed: every field narrows, and one that is not understood would be one that narrows nothing. */
const entryField = Type.Object(
  {
    guid: guidField,
    percentage: countField(0, 100),
    seed: textField(200),
    ring: Type.Optional(ringField),
    held: Type.Optional(because),
    heldWhere: Type.Optional(
      Type.Array(Type.Object({ reason: textField(2000), rule: ruleField }, closed), { maxItems: 20 }),
    ),
    stopped: Type.Optional(because),
    floor: Type.Optional(Type.Boolean()),
  } satisfies Record<keyof RolloutEntry, TSchema>,
  closed,
);

const schema = Type.Object(
  {
    schema: Type.Literal(1),
    product: productField,
    packages: Type.Array(entryField, { maxItems: 20_000 }),
  } satisfies Record<keyof Rollout, TSchema>,
  closed,
);

export const rolloutFormat: DocumentFormat<Rollout> = documentFormat({
  name: 'roll-out',
  schema,
  maxBytes: mebibytes(16),
  rules: (rollout) =>
    duplicates(
      rollout.packages,
      ({ guid }) => guid,
      (index) => `/packages/${index}/guid`,
    ),
});

/** @throws {WireError} as `DocumentFormat.parse` */
export function parseRollout(bytes: Uint8Array): Rollout {
  return rolloutFormat.parse(bytes);
}
