import { number, singleItem, tableItem, text } from '../define-item.ts';
import type { UsageItem } from '../item.ts';
import { sum, word } from '../tally.ts';

export const configurationItems: readonly UsageItem[] = [
  singleItem({
    id: 'configuration.level',
    level: 'basic',
    says: 'How much the hierarchy has chosen to tell.',
    columns: { level: text('basic, enhanced or full') },
    example: { level: 'enhanced' },
    row: ({ configuration }) => ({ level: configuration.level }),
  }),
  singleItem({
    id: 'configuration.exchange',
    level: 'basic',
    scope: 'hierarchy',
    says: 'Whether the hierarchy exchanges with the vendor, or goes by what applies locally.',
    columns: {
      mode: text('vendor or none'),
      every: number('ms', 'Longest time between two exchanges'),
    },
    example: { mode: 'vendor', every: 86_400_000 },
    row: ({ configuration }) => ({ mode: configuration.exchange, every: configuration.checkIntervalMs }),
  }),
  singleItem({
    id: 'configuration.ring',
    level: 'basic',
    scope: 'hierarchy',
    says: 'The release ring that the hierarchy has joined.',
    columns: { ring: text('Name of the ring') },
    example: { ring: 'general' },
    row: ({ configuration }) => ({ ring: word(configuration.ring) }),
  }),
  tableItem({
    id: 'configuration.products',
    level: 'basic',
    says: 'The products that the site keeps up to date.',
    columns: { product: text('Product id') },
    example: [{ product: 'typescript' }],
    rows: ({ configuration }) => configuration.products.map((product) => ({ product })),
  }),
  singleItem({
    id: 'configuration.windows',
    level: 'basic',
    says: 'How many service windows the site has.',
    columns: {
      windows: number('windows', 'Service windows; none: installs may start at any time'),
      weekly: number('minutes', 'Their lengths in a week together'),
    },
    example: { windows: 2, weekly: 960 },
    row: ({ configuration: { serviceWindows } }) => ({
      windows: serviceWindows.length,
      weekly: sum(serviceWindows.map(({ durationMinutes, daysPerWeek }) => durationMinutes * daysPerWeek)),
    }),
  }),
  tableItem({
    id: 'configuration.windowLengths',
    level: 'enhanced',
    says: 'How long each service window is, and on how many days.',
    columns: {
      length: number('minutes', 'Length of the window'),
      days: number('days', 'Days in a week on which it opens'),
    },
    example: [{ length: 240, days: 4 }],
    rows: ({ configuration }) =>
      configuration.serviceWindows.map(({ durationMinutes, daysPerWeek }) => ({
        length: durationMinutes,
        days: daysPerWeek,
      })),
  }),
];
