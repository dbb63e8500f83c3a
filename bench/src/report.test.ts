import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatReport, type Table } from './report.ts';

const table: Table = {
  title: 'Things',
  columns: [
    { key: 'name', label: 'thing', format: 'text' },
    { key: 'bytes', label: 'bytes', format: 'bytes' },
    { key: 'ratio', label: 'ratio', format: 'ratio' },
    { key: 'time', label: 'time', format: 'duration' },
  ],
  rows: [
    { name: 'long name', bytes: 12_345, ratio: 0.904, time: 4.25 },
    { name: 'b', bytes: 7, ratio: undefined, time: 1234.4 },
  ],
  notes: ['a note'],
};

test('a table has its figures to the right, a dash where there is none, and no colour where none is wanted', () => {
  assert.deepEqual(formatReport(table, false).split('\n'), [
    'Things',
    'thing        bytes  ratio     time',
    '─────────  ───────  ─────  ───────',
    'long name  12345 B   0.90   4.3 ms',
    'b              7 B      –  1234 ms',
    '  a note',
  ]);
});

test('a terminal gets the title in bold and notes dimmed', () => {
  const text = formatReport(table, true);
  assert.ok(text.startsWith('\u001b[1mThings\u001b[0m'));
  assert.ok(text.endsWith('\u001b[2m  a note\u001b[0m'));
});
