import { number, singleItem, tableItem, text, plainNumber } from '../define-item.ts';
import type { UsageItem } from '../item.ts';
import { groupsBy, sum, word } from '../tally.ts';

export const databaseItems: readonly UsageItem[] = [
  singleItem({
    id: 'database.size',
    level: 'basic',
    says: 'How large the site database is.',
    columns: {
      file: number('bytes', 'Size of its pages'),
      free: number('bytes', 'Pages of it that hold nothing'),
    },
    example: { file: 4_194_304, free: 40_960 },
    row: ({ database }) => ({ file: database.fileBytes, free: database.freeBytes }),
  }),
  singleItem({
    id: 'database.log',
    level: 'enhanced',
    says: 'How large the write-ahead log of the site database is.',
    columns: { log: number('bytes', 'Size of the log') },
    example: { log: 1_048_576 },
    row: ({ database }) => ({ log: database.walBytes }),
  }),
  singleItem({
    id: 'database.schema',
    level: 'basic',
    says: 'Which form the site database has.',
    columns: { step: plainNumber('The last step of the schema that it was brought to') },
    example: { step: 3 },
    row: ({ database }) => ({ step: database.schemaStep }),
  }),
  tableItem({
    id: 'database.tables',
    level: 'enhanced',
    says: 'How many rows each table of the site database has.',
    columns: { table: text('Table'), rows: number('rows', 'Rows in it') },
    example: [{ table: 'update_event', rows: 1840 }],
    rows: ({ database }) => database.tables.map(({ table, rows }) => ({ table: word(table), rows })),
  }),
  singleItem({
    id: 'database.records',
    level: 'basic',
    says: 'How many replicated records the site holds.',
    columns: {
      own: number('records', 'Records of its own'),
      others: number('records', 'Records of other sites'),
      size: number('bytes', 'Their bodies together'),
    },
    example: { own: 210, others: 5400, size: 2_097_152 },
    row: ({ records }) => ({
      own: sum(records.filter(({ own }) => own).map(({ count }) => count)),
      others: sum(records.filter(({ own }) => !own).map(({ count }) => count)),
      size: sum(records.map(({ bytes }) => bytes)),
    }),
  }),
  tableItem({
    id: 'database.recordKinds',
    level: 'enhanced',
    says: 'How many replicated records of each kind the site holds.',
    columns: {
      kind: text('Kind of record'),
      records: number('records', 'Records of that kind'),
      size: number('bytes', 'Their bodies together'),
      largest: number('bytes', 'The largest body'),
    },
    example: [{ kind: 'update-event', records: 4900, size: 1_900_000, largest: 2100 }],
    rows: ({ records }) =>
      groupsBy(records, ({ kind }) => ({ kind })).map(({ key, of }) => ({
        ...key,
        records: sum(of.map(({ count }) => count)),
        size: sum(of.map(({ bytes }) => bytes)),
        largest: Math.max(...of.map(({ largestBytes }) => largestBytes)),
      })),
  }),
  singleItem({
    id: 'database.changes',
    level: 'enhanced',
    says: 'How many changes of records the site has seen since it was set up.',
    columns: { changes: number('changes', 'Records that came or changed') },
    example: { changes: 18_200 },
    row: ({ changes }) => ({ changes }),
  }),
  singleItem({
    id: 'database.settings',
    level: 'full',
    says: 'How many small documents of its own the site keeps.',
    columns: {
      settings: number('settings', 'Settings'),
      size: number('bytes', 'Their texts together'),
    },
    example: { settings: 11, size: 48_000 },
    row: ({ configuration: { settings } }) => ({ settings: settings.count, size: settings.bytes }),
  }),
];
