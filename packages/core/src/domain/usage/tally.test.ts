import assert from 'node:assert/strict';
import { test } from 'node:test';
import { amount, daysSince, groupsBy, hoursSince, spread, word } from './tally.ts';

test('a word passes, whatever could be a sentence, an address or a path does not', () => {
  for (const plain of ['HASH_MISMATCH', 'sallyport.free-disk', '5.9.3-rc.1+2', '24.9.0'])
    assert.equal(word(plain), plain);
  for (const other of [
    undefined,
    7,
    '',
    'two words',
    'someone@example.com',
    '/home/someone',
    'C:\\Users\\someone',
    'server:443',
    '.hidden',
    'x'.repeat(101),
  ])
    assert.equal(word(other), 'other', String(other));
});

test('amounts of events are numbers from 0 upward, whatever stands there', () => {
  assert.deepEqual([12, 0, -4, Number.NaN, Number.POSITIVE_INFINITY, '12', undefined, 1e300].map(amount), [
    12,
    0,
    0,
    0,
    0,
    0,
    0,
    Number.MAX_SAFE_INTEGER,
  ]);
});

test('time since is whole, and never negative', () => {
  assert.equal(hoursSince(0, 3_600_000 * 2 - 1), 1);
  assert.equal(daysSince(0, 86_400_000), 1);
  assert.equal(hoursSince(1000, 0), 0);
  assert.equal(daysSince(86_400_000 * 5, 0), 0);
});

test('groups stand in the order of their keys, however things come', () => {
  const keyOf = (letter: string) => (letter === '-' ? undefined : { letter });
  const groups = groupsBy(['b', 'a', '-', 'b'], keyOf);
  assert.deepEqual(
    groups.map(({ key, of }) => [key.letter, of.length]),
    [
      ['a', 1],
      ['b', 2],
    ],
  );
  assert.deepEqual(groupsBy(['a', 'b', 'b', '-'], keyOf), groups);
});

test('a spread has least, middle and most', () => {
  assert.equal(spread([]), undefined);
  assert.deepEqual(spread([5]), { least: 5, middle: 5, most: 5 });
  assert.deepEqual(spread([9, 1, 4, 5]), { least: 1, middle: 4, most: 9 });
});
