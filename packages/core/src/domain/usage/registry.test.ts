import assert from 'node:assert/strict';
import { test } from 'node:test';
import { usageItem, usageItems } from './registry.ts';
import { problemsOf } from './row-check.ts';

test('has at least 75 items, each known by an id of its own', () => {
  const ids = usageItems.map(({ id }) => id);
  assert.ok(ids.length >= 75, `${ids.length} items`);
  assert.equal(new Set(ids).size, ids.length);
  for (const item of usageItems) assert.equal(usageItem(item.id), item);
  assert.equal(usageItem('setup.nothing'), undefined);
  assert.equal(usageItem('__proto__'), undefined);
});

test('names every item by its group and in the form that travels', () => {
  for (const { id, group } of usageItems) {
    assert.match(id, /^[a-z]+\.[a-z][A-Za-z0-9]*$/);
    assert.ok(id.startsWith(`${group}.`));
  }
});

test('covers every group, and every level has items of its own', () => {
  const groups = new Set(usageItems.map(({ group }) => group));
  assert.deepEqual([...groups].toSorted(), [
    'clients',
    'components',
    'configuration',
    'console',
    'content',
    'database',
    'downloads',
    'exchange',
    'performance',
    'prerequisites',
    'replication',
    'setup',
    'system',
    'tasks',
    'topology',
    'updates',
  ]);
  for (const level of ['basic', 'enhanced', 'full'] as const)
    assert.ok(usageItems.filter((item) => item.level === level).length >= 10, level);
});

test('gives each item an example that its own columns can hold, and shows every column in it', () => {
  for (const item of usageItems) {
    assert.deepEqual(problemsOf(item, item.example), [], item.id);
    if (item.example.length === 0) continue;
    const shown = new Set(item.example.flatMap((row) => Object.keys(row)));
    assert.deepEqual([...shown].toSorted(), item.columns.map(({ name }) => name).toSorted(), item.id);
  }
});

test('says what each item and column is in a sentence or a phrase, numbers with a unit where they have one', () => {
  for (const item of usageItems) {
    assert.match(item.says, /^[A-Z].*\.$/s, item.id);
    for (const column of item.columns) {
      assert.ok(column.says.length > 2, `${item.id} ${column.name}`);
      if (column.type !== 'number') assert.equal(column.unit, undefined, `${item.id} ${column.name}`);
    }
  }
});
