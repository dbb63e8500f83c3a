import { Type } from 'typebox';
import { orderSequenceMax } from '../domain/sites/epoch.ts';
import { mebibytes } from '../shared/units.ts';
import { documentFormat } from './document-format.ts';
import { countField, guidField, siteCodeField } from './fields.ts';

/** The last instant that a `Date` can be of. */
const timeField = countField(0, 8_640_000_000_000_000);
const orderNumberField = countField(0, orderSequenceMax);

/**
 * The bodies of `site-status` records. Not closed: a newer child site may say more than its parent knows of. Texts have
 * no limit of their own: what a site may make others keep is bounded as a whole.
 */
const options = { maxBytes: mebibytes(16) } as const;

/** How far a site has come with the hierarchy's orders. */
export const ordersStatusFormat = documentFormat({
  ...options,
  name: 'status of orders',
  schema: Type.Object({
    schema: Type.Literal(1),
    last: orderNumberField,
    deferred: Type.Array(orderNumberField, { maxItems: 100_000 }),
    waits: Type.Optional(
      Type.Array(Type.Object({ sequence: orderNumberField, reason: Type.String() }), { maxItems: 100_000 }),
    ),
    refused: Type.Array(
      Type.Object({
        sequence: orderNumberField,
        code: Type.String(),
        reason: Type.String(),
        at: timeField,
      }),
      { maxItems: 1000 },
    ),
  }),
});

/** What every component of a site does or waits for. */
export const componentsStatusFormat = documentFormat({
  ...options,
  name: 'status of components',
  schema: Type.Object({
    schema: Type.Literal(1),
    components: Type.Array(
      Type.Object({
        name: Type.String(),
        state: Type.String(),
        reason: Type.String(),
        since: timeField,
        nextAt: Type.Optional(timeField),
        lastError: Type.Optional(Type.String()),
      }),
      { maxItems: 1000 },
    ),
  }),
});

/** The sites below a site that nothing goes to or comes from. */
export const linksStatusFormat = documentFormat({
  ...options,
  name: 'status of links',
  schema: Type.Object({
    schema: Type.Literal(1),
    links: Type.Array(Type.Object({ site: siteCodeField, problem: Type.String() }), { maxItems: 10_000 }),
  }),
});

/** How far the content has come that a site is fetching. */
export const contentStatusFormat = documentFormat({
  ...options,
  name: 'status of content',
  schema: Type.Object({
    schema: Type.Literal(1),
    transfers: Type.Array(
      Type.Object({
        guid: guidField,
        doneBytes: countField(),
        totalBytes: countField(),
        receivedBytes: countField(),
        interrupted: Type.Optional(Type.String({ maxLength: 2_000 })),
      }),
      { maxItems: 10_000 },
    ),
  }),
});
