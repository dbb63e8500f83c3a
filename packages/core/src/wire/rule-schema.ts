import { Type, type TSchema } from 'typebox';
import { measure, ruleLimits } from '../domain/updates/rule-evaluation.ts';
import type { FactTest } from '../domain/updates/rule.ts';
import { closed } from './fields.ts';

const factValue = Type.Union([Type.String({ maxLength: 1000 }), Type.Integer(), Type.Boolean()]);
const bound = Type.Union([Type.String({ minLength: 1, maxLength: 1000 }), Type.Integer()]);

const operators = ['is', 'atLeast', 'below', 'in', 'exists'] as const;

/** An operator that this version does not know makes the rule unreadable, never a rule that holds more easily. */
const test = Type.Refine(
  Type.Object(
    {
      fact: Type.String({ minLength: 1, maxLength: 200 }),
      is: Type.Optional(factValue),
      atLeast: Type.Optional(bound),
      below: Type.Optional(bound),
      in: Type.Optional(Type.Array(factValue, { minItems: 1, maxItems: 200 })),
      // `exists: false` could never hold: a missing fact is unknown.
      exists: Type.Optional(Type.Literal(true)),
      says: Type.Optional(Type.String({ minLength: 1, maxLength: 1000 })),
    } satisfies Record<keyof FactTest, TSchema>,
    closed,
  ),
  (value) => operators.filter((name) => name in value).length === 1,
  () => `must have exactly one of ${operators.join(', ')}`,
);

const parts = Type.Array(Type.Ref('Rule'), { minItems: 1, maxItems: ruleLimits.nodesMax });

const tree = Type.Cyclic(
  {
    Rule: Type.Union([
      Type.Object({ all: parts }, closed),
      Type.Object({ any: parts }, closed),
      Type.Object({ not: Type.Ref('Rule') }, closed),
      test,
    ]),
  },
  'Rule',
);

/** A rule within its limits. */
export const ruleField = Type.Refine(
  tree,
  (rule) => {
    const { nodes, levels } = measure(rule);
    return nodes <= ruleLimits.nodesMax && levels <= ruleLimits.levelsMax;
  },
  () => `must have at most ${ruleLimits.nodesMax} nodes in ${ruleLimits.levelsMax} levels`,
);
