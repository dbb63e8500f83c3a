import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatTable, plain } from './table.ts';

test('aligns columns, numbers to the right', () => {
  assert.equal(
    formatTable(
      ['site', 'bytes'],
      [
        ['CAS', '12'],
        ['PR1', '1,024'],
      ],
    ),
    ['site  bytes', '────  ─────', 'CAS      12', 'PR1   1,024'].join('\n'),
  );
});

test('shows headings when there are no rows', () => {
  assert.equal(formatTable(['site', 'state'], []), 'site  state\n────  ─────');
});

test('lets no cell drive the terminal', () => {
  assert.equal(plain('\u001b[31mred\u001b[0m\nnext\u202eback'), 'red next back');
});
