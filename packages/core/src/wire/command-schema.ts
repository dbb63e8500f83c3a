import { Type, type TSchema } from 'typebox';
import type { Command, HealthCheck, Hook } from '../domain/updates/package.ts';
import { days, hours } from '../shared/units.ts';
import { closed, countField, nameField } from './fields.ts';

const argument = Type.Refine(
  Type.String({ maxLength: 8192 }),
  (text) => !text.includes('\0'),
  () => 'must not hold a NUL character',
);

const commandFields = {
  run: Type.Refine(
    Type.Array(argument, { minItems: 1, maxItems: 200 }),
    ([program]) => program !== '',
    () => 'must name a program first',
  ),
  timeoutMs: countField(1, days(1)),
} satisfies Record<keyof Command, TSchema>;

/** Commands, hooks and health checks are closed: a field that says how to run something must be understood. */
export const commandField = Type.Object(commandFields, closed);

export const hookField = Type.Object(
  {
    ...commandFields,
    id: nameField,
    phase: Type.Enum(['before-switch', 'after-switch']),
    probe: Type.Optional(commandField),
    undo: Type.Optional(commandField),
    privileged: Type.Optional(Type.Boolean()),
  } satisfies Record<keyof Hook, TSchema>,
  closed,
);

export const healthCheckField = Type.Object(
  {
    ...commandFields,
    outputIs: Type.Optional(Type.String({ maxLength: 10_000 })),
    attemptsMax: countField(1, 1000),
    delayMs: countField(0, hours(1)),
  } satisfies Record<keyof HealthCheck, TSchema>,
  closed,
);
