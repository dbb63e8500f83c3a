import { number, singleItem, tableItem, text } from '../define-item.ts';
import type { UsageItem } from '../item.ts';
import { sum, word } from '../tally.ts';

export const consoleItems: readonly UsageItem[] = [
  singleItem({
    id: 'console.use',
    level: 'basic',
    says: 'How much was asked of the site server since it was started.',
    columns: {
      requests: number('requests', 'Requests'),
      operations: number('operations', 'Different operations that were asked for'),
      refused: number('requests', 'Requests that were refused or failed'),
    },
    example: { requests: 184, operations: 7, refused: 3 },
    row: ({ requests }) => ({
      requests: sum(requests.map(({ count }) => count)),
      operations: requests.length,
      refused: sum(requests.flatMap(({ refused }) => Object.values(refused))),
    }),
  }),
  tableItem({
    id: 'console.operations',
    level: 'enhanced',
    says: 'Which operations were asked for since the site server was started.',
    columns: {
      operation: text('Operation of the local API'),
      requests: number('requests', 'How often'),
    },
    example: [{ operation: 'status', requests: 120 }],
    rows: ({ requests }) =>
      requests.map(({ operation, count }) => ({ operation: word(operation), requests: count })),
  }),
  tableItem({
    id: 'console.refusals',
    level: 'enhanced',
    says: 'Why requests were refused since the site server was started.',
    columns: {
      operation: text('Operation of the local API'),
      code: text('Code of the refusal'),
      requests: number('requests', 'How often'),
    },
    example: [{ operation: 'install', code: 'NOT_FOUND', requests: 1 }],
    rows: ({ requests }) =>
      requests.flatMap(({ operation, refused }) =>
        Object.entries(refused).map(([code, count]) => ({
          operation: word(operation),
          code: word(code),
          requests: count,
        })),
      ),
  }),
];
