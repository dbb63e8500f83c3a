import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatCsv } from './csv.ts';

test('quotes what would break a row, and ends rows as RFC 4180 says', () => {
  assert.equal(
    formatCsv([
      ['a', 1, true],
      ['x,y', 'say "no"', 'two\nlines'],
    ]),
    'a,1,true\r\n"x,y","say ""no""","two\nlines"\r\n',
  );
});

test('lets no cell become a formula', () => {
  for (const text of ['=1+1', '+1', '-1', '@SUM(A1)', '\tx'])
    assert.match(formatCsv([[text]]), /^"?'/, JSON.stringify(text));
  // A number of ours is a number.
  assert.equal(formatCsv([[-1]]), '-1\r\n');
});
