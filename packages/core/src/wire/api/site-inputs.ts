import { type Static, Type } from 'typebox';
import { weekdays } from '../../domain/updates/service-window.ts';
import { siteCodeField, textField } from '../fields.ts';

const closed = { additionalProperties: false } as const;

export const serviceWindowInput = Type.Object(
  {
    days: Type.Array(Type.Enum([...weekdays]), { maxItems: 7, uniqueItems: true }),
    startsAt: textField(5),
    durationMinutes: Type.Integer(),
    timeZone: textField(64),
  },
  closed,
);

/** What an administrator can ask of a site server about the site itself, by the name it has in the API. */
export const siteInputs = {
  'join-token': Type.Object(
    {
      code: siteCodeField,
      type: Type.Enum(['primary', 'secondary']),
      /** Absent: the top-tier site itself. */
      parent: Type.Optional(siteCodeField),
      /** Where the new site reaches its parent: `host:port`. Absent: where this site listens. */
      address: Type.Optional(textField(300)),
      expiresAfterMs: Type.Integer({ minimum: 60_000 }),
    },
    closed,
  ),
  'revoke-site': Type.Object({ code: siteCodeField, reason: textField(1000) }, closed),
  windows: Type.Object({}, closed),
  /** Replaces all service windows of this site; none: installs may start at any time. */
  'set-windows': Type.Object({ windows: Type.Array(serviceWindowInput, { maxItems: 50 }) }, closed),
} as const;

export type SiteApiName = keyof typeof siteInputs;
export type SiteApiInput<N extends SiteApiName> = Static<(typeof siteInputs)[N]>;

export interface WindowsResult {
  readonly windows: readonly Static<typeof serviceWindowInput>[];
  readonly open: boolean;
  /** When it closes or opens next; absent when it never does. */
  readonly changesAt?: number;
}
