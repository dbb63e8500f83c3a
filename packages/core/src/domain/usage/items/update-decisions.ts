import { number, singleItem, tableItem, text } from '../define-item.ts';
import type { UsageItem } from '../item.ts';
import { groupsBy, sum, word } from '../tally.ts';

/** What selection found and administrators decided: the top-tier site's to tell. */
export const updateDecisionItems: readonly UsageItem[] = [
  tableItem({
    id: 'updates.verdicts',
    level: 'basic',
    scope: 'hierarchy',
    says: 'How many packages are available to the hierarchy.',
    columns: {
      product: text('Product id'),
      verdict: text('available, superseded, installed or not-available'),
      packages: number('packages', 'Packages of the catalogue'),
    },
    example: [{ product: 'typescript', verdict: 'available', packages: 1 }],
    rows: ({ verdicts }) =>
      groupsBy(verdicts, ({ product, verdict }) => ({ product, verdict: word(verdict) })).map(
        ({ key, of }) => ({ ...key, packages: of.length }),
      ),
  }),
  tableItem({
    id: 'updates.reasons',
    level: 'enhanced',
    scope: 'hierarchy',
    says: 'Why packages are not available to the hierarchy.',
    columns: {
      product: text('Product id'),
      reason: text('Code of the reason'),
      packages: number('packages', 'Packages that it stands against'),
    },
    example: [{ product: 'typescript', reason: 'LOT', packages: 1 }],
    rows: ({ verdicts }) =>
      groupsBy(
        verdicts.flatMap(({ product, reasons }) =>
          [...new Set(reasons)].map((reason) => ({ product, reason: word(reason) })),
        ),
        (each) => each,
      ).map(({ key, of }) => ({ ...key, packages: of.length })),
  }),
  tableItem({
    id: 'updates.orders',
    level: 'enhanced',
    scope: 'hierarchy',
    says: 'Which orders administrators have given.',
    columns: {
      action: text('check-prerequisites, install or cancel'),
      addressed: text('primaries, or named sites'),
      orders: number('orders', 'Orders'),
    },
    example: [{ action: 'install', addressed: 'primaries', orders: 6 }],
    rows: ({ orders }) =>
      groupsBy(orders.issued, ({ action, addressed }) => ({ action: word(action), addressed })).map(
        ({ key, of }) => ({ ...key, orders: of.length }),
      ),
  }),
  singleItem({
    id: 'updates.consents',
    level: 'enhanced',
    scope: 'hierarchy',
    says: 'How often administrators went on in spite of warnings, and accepted licences.',
    columns: {
      orders: number('orders', 'Orders with a consent to warnings'),
      warnings: number('warnings', 'Warnings consented to'),
      licences: number('orders', 'Orders with an accepted licence'),
    },
    example: { orders: 1, warnings: 2, licences: 3 },
    row: ({ orders: { issued } }) => ({
      orders: issued.filter(({ consents }) => consents > 0).length,
      warnings: sum(issued.map(({ consents }) => consents)),
      licences: issued.filter(({ licence }) => licence).length,
    }),
  }),
  tableItem({
    id: 'updates.features',
    level: 'enhanced',
    scope: 'hierarchy',
    says: 'Which optional features administrators have ordered with packages.',
    columns: {
      feature: text("The vendor's id of the feature"),
      orders: number('orders', 'Orders that name it'),
    },
    example: [{ feature: 'fast-watch', orders: 2 }],
    rows: ({ orders }) =>
      groupsBy(
        orders.issued.flatMap(({ features }) => features),
        (feature) => ({ feature: word(feature) }),
      ).map(({ key, of }) => ({ ...key, orders: of.length })),
  }),
];
