import { type Static, Type } from 'typebox';
import { closed, siteCodeField, textField } from '../fields.ts';

/** A package: its GUID, its version where one package only has it, or `product@version`. */
const idField = textField(200);
/** Who asks, as people know them: it stays in the history and in signed orders. */
const byField = textField(200);

/**
 * Somebody's word to go on in spite of warnings: each one by name, or every one that is known at this moment.
 * Warnings that turn up later are not covered.
 */
export const consentInput = Type.Object(
  {
    by: byField,
    warnings: Type.Union([
      Type.Literal('all-known'),
      Type.Array(Type.Object({ site: siteCodeField, prerequisite: textField(64) }, closed), {
        minItems: 1,
        maxItems: 10_000,
      }),
    ]),
  },
  closed,
);

const noInput = Type.Object({}, closed);
const packageInput = Type.Object({ id: idField }, closed);
const actionInput = Type.Object({ id: idField, by: byField }, closed);
const filterInput = Type.Object({ id: Type.Optional(idField) }, closed);

/** What an administrator can ask of a site server, by the name it has in the API, and what each takes. */
export const apiInputs = {
  check: noInput,
  /** `all`: packages that do not apply and hidden ones too. */
  list: Type.Object({ all: Type.Optional(Type.Boolean()) }, closed),
  show: packageInput,
  why: packageInput,
  warnings: packageInput,
  download: actionInput,
  'check-prerequisites': actionInput,
  install: Type.Object(
    {
      id: idField,
      by: byField,
      acceptLicence: Type.Optional(Type.Boolean()),
      ignoreWarnings: Type.Optional(consentInput),
      features: Type.Optional(Type.Array(textField(64), { maxItems: 200, uniqueItems: true })),
      /** Absent: the top-tier site and every primary. */
      sites: Type.Optional(Type.Array(siteCodeField, { minItems: 1, maxItems: 10_000, uniqueItems: true })),
    },
    closed,
  ),
  'upgrade-secondary': Type.Object(
    { site: siteCodeField, by: byField, ignoreWarnings: Type.Optional(consentInput) },
    closed,
  ),
  cancel: actionInput,
  retry: Type.Object(
    {
      id: idField,
      by: byField,
      site: Type.Optional(siteCodeField),
      ignoreWarnings: Type.Optional(consentInput),
    },
    closed,
  ),
  reset: Type.Object({ id: idField, by: byField, deleteContent: Type.Optional(Type.Boolean()) }, closed),
  history: filterInput,
  status: filterInput,
  usage: noInput,
  sites: noInput,
} as const;

export type ApiName = keyof typeof apiInputs;
export type ApiInput<N extends ApiName> = Static<(typeof apiInputs)[N]>;
export type ConsentInput = Static<typeof consentInput>;
