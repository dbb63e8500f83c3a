import type { UpdateEvent } from '../../updates/event.ts';
import { number, singleItem, tableItem, text } from '../define-item.ts';
import { spansOf } from '../event-spans.ts';
import type { UsageFacts } from '../facts.ts';
import type { UsageItem } from '../item.ts';
import { amount, groupsBy, spread, sum, word } from '../tally.ts';
import { productOf } from './updates.ts';

/** The top-tier site downloads from the vendor; every other one has its content replicated from its parent. */
function wayOf({ event }: UpdateEvent): 'parent' | 'vendor' | undefined {
  if (event.startsWith('download-')) return 'vendor';
  return event.startsWith('replication-') ? 'parent' : undefined;
}

function arrivalsOf({ events }: UsageFacts): readonly UpdateEvent[] {
  return events.filter(({ event }) => event === 'download-succeeded' || event === 'replication-succeeded');
}

function spansOfTransfers({ events }: UsageFacts) {
  return [
    ...spansOf(events, 'download-started', ['download-succeeded']),
    ...spansOf(events, 'replication-started', ['replication-succeeded']),
  ];
}

const routes = ['held', 'patch', 'raw', 'zstd'] as const;

function segmentsBy(arrivals: readonly UpdateEvent[], route: string): number {
  return sum(
    arrivals.map(({ data }) => {
      const counts = data['routes'];
      return typeof counts === 'object' && counts !== null
        ? amount((counts as Readonly<Record<string, unknown>>)[route])
        : 0;
    }),
  );
}

export const downloadItems: readonly UsageItem[] = [
  tableItem({
    id: 'downloads.results',
    level: 'basic',
    says: 'How fetching content went at the site in the last quarter.',
    columns: {
      from: text('vendor or parent'),
      succeeded: number('transfers', 'Packages that came whole'),
      failed: number('transfers', 'Tries that failed'),
    },
    example: [{ from: 'vendor', succeeded: 5, failed: 1 }],
    rows: ({ events }) =>
      groupsBy(
        events.filter(({ event }) => event.endsWith('-succeeded') || event.endsWith('-failed')),
        (event) => {
          const from = wayOf(event);
          return from === undefined ? undefined : { from };
        },
      ).map(({ key, of }) => ({
        ...key,
        succeeded: of.filter(({ event }) => event.endsWith('-succeeded')).length,
        failed: of.filter(({ event }) => event.endsWith('-failed')).length,
      })),
  }),
  tableItem({
    id: 'downloads.errors',
    level: 'basic',
    says: 'Why fetching content failed at the site in the last quarter.',
    columns: {
      from: text('vendor or parent'),
      code: text('Code of the error'),
      times: number('times', 'How often'),
    },
    example: [{ from: 'vendor', code: 'HASH_MISMATCH', times: 1 }],
    rows: ({ events }) =>
      groupsBy(
        events.filter(({ event }) => event === 'download-failed' || event === 'replication-failed'),
        (event) => ({ from: wayOf(event) ?? 'other', code: word(event.data['code']) }),
      ).map(({ key, of }) => ({ ...key, times: of.length })),
  }),
  singleItem({
    id: 'downloads.volume',
    level: 'basic',
    says: 'How much travelled to the site in the last quarter, and for how much content.',
    columns: {
      received: number('bytes', 'What came over the wire'),
      content: number('bytes', 'What it was for: files of releases'),
    },
    example: { received: 5_242_880, content: 62_914_560 },
    row: (facts) => {
      const arrivals = arrivalsOf(facts);
      return arrivals.length === 0
        ? undefined
        : {
            received: sum(arrivals.map(({ data }) => amount(data['receivedBytes']))),
            content: sum(arrivals.map(({ data }) => amount(data['totalBytes']))),
          };
    },
  }),
  tableItem({
    id: 'downloads.routes',
    level: 'enhanced',
    says: 'Which way segments came to the site in the last quarter.',
    columns: {
      route: text('held already, patch, zstd, or raw: as it is'),
      segments: number('segments', 'Segments that came so'),
    },
    example: [{ route: 'patch', segments: 210 }],
    rows: (facts) => {
      const arrivals = arrivalsOf(facts);
      return arrivals.length === 0
        ? []
        : routes.map((route) => ({ route, segments: segmentsBy(arrivals, route) }));
    },
  }),
  singleItem({
    id: 'downloads.times',
    level: 'enhanced',
    says: 'How long it took until a package was whole at the site, in the last quarter.',
    columns: {
      transfers: number('transfers', 'Packages that came whole'),
      least: number('ms', 'The shortest'),
      middle: number('ms', 'The middle one'),
      most: number('ms', 'The longest'),
    },
    example: { transfers: 5, least: 800, middle: 2100, most: 61_000 },
    row: (facts) => {
      const times = spansOfTransfers(facts).map(({ ms }) => ms);
      return times.length === 0 ? undefined : { transfers: times.length, ...spread(times) };
    },
  }),
  singleItem({
    id: 'downloads.speed',
    level: 'enhanced',
    says: 'How fast content came to the site in the last quarter.',
    columns: {
      least: number('bytes/s', 'The slowest'),
      middle: number('bytes/s', 'The middle one'),
      most: number('bytes/s', 'The fastest'),
    },
    example: { least: 90_000, middle: 1_200_000, most: 11_000_000 },
    row: (facts) =>
      spread(
        spansOfTransfers(facts)
          .filter(({ ms }) => ms > 0)
          .map(({ end, ms }) => (amount(end.data['receivedBytes']) * 1000) / ms),
      ),
  }),
  singleItem({
    id: 'downloads.retries',
    level: 'enhanced',
    says: 'How stubbornly fetching content failed at the site in the last quarter.',
    columns: { most: number('tries', 'Most failed tries in a row at one package') },
    example: { most: 3 },
    row: ({ events }) => {
      const failures = events.map(({ data }) => amount(data['failures'])).filter((count) => count > 0);
      return failures.length === 0 ? undefined : { most: Math.max(...failures) };
    },
  }),
  tableItem({
    id: 'downloads.packages',
    level: 'full',
    says: 'What each package cost to fetch at the site in the last quarter.',
    columns: {
      product: text('Product id'),
      package: text("The vendor's GUID of the package"),
      received: number('bytes', 'What came over the wire'),
      content: number('bytes', 'What it was for'),
    },
    example: [
      {
        product: 'typescript',
        package: '7c9e6679-7425-40de-944b-e07fc1f90ae7',
        received: 1_048_576,
        content: 31_457_280,
      },
    ],
    rows: (facts) =>
      arrivalsOf(facts).map(({ guid, data }) => ({
        product: productOf(facts, guid),
        package: guid,
        received: amount(data['receivedBytes']),
        content: amount(data['totalBytes']),
      })),
  }),
];
