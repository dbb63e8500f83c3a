import assert from 'node:assert/strict';
import { test } from 'node:test';
import { collect, itemsFor } from './collect.ts';
import { number, singleItem, tableItem, text } from './define-item.ts';
import { isTold, usageLevels } from './level.ts';
import { usageItems } from './registry.ts';
import { problemsOfItems, rowsMax } from './row-check.ts';
import { bareFacts } from './test-support/bare-facts.ts';

const child = { ...bareFacts, site: { ...bareFacts.site, topTier: false } };

test('tells exactly the items of the level and of those below it', () => {
  for (const level of usageLevels) {
    const { items, failed } = collect(bareFacts, level);
    assert.deepEqual(failed, []);
    assert.deepEqual(
      Object.keys(items).toSorted(),
      usageItems
        .filter((item) => isTold(item.level, level))
        .map(({ id }) => id)
        .toSorted(),
    );
    assert.deepEqual(problemsOfItems(items, level), []);
  }
});

test('levels nest: each tells all that the one before it tells, and more', () => {
  const [basic, enhanced, full] = usageLevels.map((level) => collect(bareFacts, level).items);
  assert.ok(basic && enhanced && full);
  for (const [less, more] of [
    [basic, enhanced],
    [enhanced, full],
  ] as const) {
    for (const [id, rows] of Object.entries(less)) assert.deepEqual(more[id], rows, id);
    assert.ok(Object.keys(more).length > Object.keys(less).length);
  }
});

test('what belongs to the hierarchy is told by its top-tier site alone', () => {
  const told = Object.keys(collect(child, 'full').items);
  assert.deepEqual(
    told,
    itemsFor('full', false).map(({ id }) => id),
  );
  for (const { id, scope } of usageItems) assert.equal(told.includes(id), scope === 'site', id);
});

test('an item without data is there, with no rows', () => {
  const { items } = collect(bareFacts, 'full');
  assert.deepEqual(items['clients.devices'], []);
  assert.deepEqual(items['downloads.volume'], []);
});

const good = singleItem({
  id: 'setup.good',
  level: 'basic',
  says: 'A good one.',
  columns: { count: number('things', 'Things'), word: text('A word') },
  example: { count: 1 },
  row: () => ({ count: 1.6, word: undefined }),
});

function broken(rows: () => readonly Readonly<Record<'count', number>>[]) {
  return tableItem({
    id: 'setup.broken',
    level: 'basic',
    says: 'A broken one.',
    columns: { count: number('things', 'Things') },
    example: [{ count: 1 }],
    rows,
  });
}

test('an item that throws hides no other, and is named', () => {
  const throwing = broken(() => {
    throw new Error('no such table');
  });
  assert.deepEqual(collect(bareFacts, 'basic', [throwing, good]), {
    items: { 'setup.good': [{ count: 2 }] },
    failed: [{ id: 'setup.broken', reason: 'no such table' }],
  });
});

test('an item whose rows are not what its columns say is left out, for a cloud would refuse all of it', () => {
  const { items, failed } = collect(bareFacts, 'basic', [broken(() => [{ count: -1 }]), good]);
  assert.deepEqual(Object.keys(items), ['setup.good']);
  assert.match(failed[0]?.reason ?? '', /setup\.broken\/0\/count: -1 is not a whole number/);
});

test('keeps the first rows of very many', () => {
  const long = broken(() => Array.from({ length: rowsMax + 5 }, (_, count) => ({ count })));
  const { items } = collect(bareFacts, 'basic', [long]);
  assert.equal(items['setup.broken']?.length, rowsMax);
  assert.deepEqual(items['setup.broken']?.at(-1), { count: rowsMax - 1 });
});
