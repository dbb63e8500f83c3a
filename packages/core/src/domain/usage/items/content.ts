import { number, singleItem, tableItem, text, truth } from '../define-item.ts';
import type { UsageItem } from '../item.ts';
import { sum } from '../tally.ts';

export const contentItems: readonly UsageItem[] = [
  singleItem({
    id: 'content.library',
    level: 'basic',
    says: 'How much the content library holds.',
    columns: {
      blobs: number('blobs', 'Pieces of content'),
      size: number('bytes', 'Their sizes together'),
      complete: truth('Whether all of them were counted'),
    },
    example: { blobs: 1840, size: 734_003_200, complete: true },
    row: ({ library: { classes, complete } }) => ({
      blobs: sum(classes.map(({ blobs }) => blobs)),
      size: sum(classes.map(({ bytes }) => bytes)),
      complete,
    }),
  }),
  tableItem({
    id: 'content.sizes',
    level: 'enhanced',
    says: 'How large the pieces of content are.',
    columns: {
      from: number('bytes', 'As large as this, and smaller than the next class'),
      blobs: number('blobs', 'Pieces of that size'),
      size: number('bytes', 'Their sizes together'),
    },
    example: [{ from: 65_536, blobs: 210, size: 61_000_000 }],
    rows: ({ library }) =>
      library.classes.map(({ fromBytes, blobs, bytes }) => ({ from: fromBytes, blobs, size: bytes })),
  }),
  singleItem({
    id: 'content.damage',
    level: 'basic',
    says: 'What the disk has damaged and has not been fetched again yet.',
    columns: {
      blobs: number('blobs', 'Damaged pieces of content'),
      failures: number('tries', 'Tries in a row to fetch them that left something out'),
    },
    example: { blobs: 0, failures: 0 },
    row: ({ care }) => (care === undefined ? undefined : { blobs: care.lost, failures: care.failures }),
  }),
  tableItem({
    id: 'content.releases',
    level: 'basic',
    says: 'How many releases of each product the site keeps.',
    columns: { product: text('Product id'), releases: number('releases', 'Complete releases') },
    example: [{ product: 'typescript', releases: 2 }],
    rows: ({ releases }) => releases.map(({ product, folders }) => ({ product, releases: folders })),
  }),
];
