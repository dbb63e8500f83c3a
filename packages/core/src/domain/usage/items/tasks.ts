import { number, singleItem, tableItem } from '../define-item.ts';
import type { UsageItem } from '../item.ts';
import { daysSince, hoursSince, sum } from '../tally.ts';

export const taskItems: readonly UsageItem[] = [
  singleItem({
    id: 'tasks.backups',
    level: 'basic',
    says: 'Which copies of the site database are kept.',
    columns: {
      copies: number('copies', 'Copies'),
      size: number('bytes', 'Their sizes together'),
      newest: number('hours', 'Whole hours since the newest one'),
    },
    example: { copies: 3, size: 12_582_912, newest: 20 },
    row: ({ at, backups }) => ({
      copies: backups.length,
      size: sum(backups.map(({ bytes }) => bytes)),
      newest: backups.length === 0 ? undefined : hoursSince(Math.max(...backups.map((each) => each.at)), at),
    }),
  }),
  tableItem({
    id: 'tasks.backupList',
    level: 'full',
    says: 'Each copy of the site database.',
    columns: { age: number('days', 'Whole days old'), size: number('bytes', 'Its size') },
    example: [{ age: 1, size: 4_194_304 }],
    rows: ({ at, backups }) => backups.map((each) => ({ age: daysSince(each.at, at), size: each.bytes })),
  }),
  singleItem({
    id: 'tasks.tidying',
    level: 'enhanced',
    says: 'When the content library was tidied last.',
    columns: { days: number('days', 'Whole days ago') },
    example: { days: 0 },
    row: ({ at, care }) => (care === undefined ? undefined : { days: daysSince(care.collectedAt, at) }),
  }),
  singleItem({
    id: 'tasks.scrub',
    level: 'enhanced',
    says: 'When the content library was read through last.',
    columns: { days: number('days', 'Whole days ago') },
    example: { days: 4 },
    row: ({ at, care }) => (care === undefined ? undefined : { days: daysSince(care.scrubbedAt, at) }),
  }),
  singleItem({
    id: 'tasks.scrubUnderWay',
    level: 'full',
    says: 'How far reading the content library through has come.',
    columns: {
      blobs: number('blobs', 'Pieces of content that were read'),
      size: number('bytes', 'Their sizes together'),
      damaged: number('blobs', 'Found to be damaged'),
    },
    example: { blobs: 410, size: 104_857_600, damaged: 0 },
    row: ({ care }) =>
      care?.scrub === undefined
        ? undefined
        : { blobs: care.scrub.checked, size: care.scrub.checkedBytes, damaged: care.scrub.lost },
  }),
  singleItem({
    id: 'tasks.collection',
    level: 'basic',
    says: 'What collecting usage data came to the time before.',
    columns: {
      days: number('days', 'Whole days ago'),
      took: number('ms', 'How long it took'),
      failed: number('items', 'Data items that could not be made'),
      count: number('collections', 'Collections since the site was set up'),
    },
    example: { days: 7, took: 38, failed: 0, count: 6 },
    row: ({ at, collection }) =>
      collection === undefined
        ? undefined
        : {
            days: daysSince(collection.at, at),
            took: collection.ms,
            failed: collection.failedItems,
            count: collection.count,
          },
  }),
];
