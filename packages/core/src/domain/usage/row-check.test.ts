import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { UsageItem, UsageRow } from './item.ts';
import { usageItem } from './registry.ts';
import { problemsOf, problemsOfItems, rowsMax } from './row-check.ts';

const states = itemNamed('updates.states');
const siteList = itemNamed('topology.siteList');
const place = itemNamed('topology.place');

function itemNamed(id: string): UsageItem {
  const item = usageItem(id);
  assert.ok(item !== undefined);
  return item;
}

function codes(item: UsageItem, row: unknown, form?: 'hashed' | 'plain'): readonly string[] {
  return problemsOf(item, [row as UsageRow], form).map(({ code }) => code);
}

test('takes rows as the registry has them, columns without data left out', () => {
  assert.deepEqual(
    problemsOf(states, [{ product: 'a', state: 'ENABLED', packages: 3 }, { packages: 0 }, {}]),
    [],
  );
});

test('refuses cells that their column cannot hold, and says where', () => {
  assert.deepEqual(codes(states, { packages: '3' }), ['WRONG_TYPE']);
  assert.deepEqual(codes(states, { state: 3 }), ['WRONG_TYPE']);
  assert.deepEqual(codes(place, { topTier: 'yes' }), ['WRONG_TYPE']);
  assert.deepEqual(codes(states, { state: null }), ['WRONG_TYPE']);
  for (const packages of [-1, 1.5, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY])
    assert.deepEqual(codes(states, { packages }), ['OUT_OF_RANGE'], String(packages));
  assert.deepEqual(codes(states, { state: 'x'.repeat(300) }), []);
  assert.deepEqual(codes(states, { state: 'x'.repeat(301) }), ['TOO_LONG']);
  assert.deepEqual(codes(states, { user: 'somebody' }), ['UNKNOWN_COLUMN']);
  assert.deepEqual(codes(states, { constructor: 'x' }), ['UNKNOWN_COLUMN']);
  assert.deepEqual(
    problemsOf(states, [{ packages: 1 }, { packages: -1 }]).map((problem) => problem.place),
    ['updates.states/1/packages'],
  );
});

test('refuses more rows than are ever collected, and looks at no more than it tells of', () => {
  assert.deepEqual(
    problemsOf(
      states,
      Array.from({ length: rowsMax }, () => ({ packages: 1 })),
    ),
    [],
  );
  const many = Array.from({ length: 100_000 }, () => ({ packages: -1 }));
  const problems = problemsOf(states, many);
  assert.equal(problems[0]?.code, 'TOO_MANY_ROWS');
  assert.equal(problems.length, 20);
});

test('refuses a name in plain where names must have been hashed', () => {
  const hash = 'A'.repeat(43);
  assert.deepEqual(codes(siteList, { site: 'PR1', type: 'primary' }), []);
  assert.deepEqual(codes(siteList, { site: 'PR1', type: 'primary' }, 'hashed'), ['NOT_HASHED']);
  assert.deepEqual(codes(siteList, { site: hash, type: 'primary' }, 'hashed'), []);
});

test('refuses items that it does not know, and those above the level stated', () => {
  assert.deepEqual(problemsOfItems({ 'updates.states': [], 'updates.events': [] }, 'enhanced'), []);
  assert.deepEqual(
    problemsOfItems({ 'updates.history': [] }, 'enhanced').map(({ code }) => code),
    ['ABOVE_LEVEL'],
  );
  assert.deepEqual(
    problemsOfItems({ 'updates.events': [{ times: 1 }] }, 'basic').map(({ code }) => code),
    ['ABOVE_LEVEL'],
  );
  assert.deepEqual(
    problemsOfItems({ 'updates.secrets': [], [`x.${'y'.repeat(5000)}`]: [] }, 'full').map(
      ({ code, place: where }) => [code, where.length < 100],
    ),
    [
      ['UNKNOWN_ITEM', true],
      ['UNKNOWN_ITEM', true],
    ],
  );
  assert.deepEqual(
    problemsOfItems({ 'updates.states': [{ packages: -1 }] }, 'full').map(({ place: where }) => where),
    ['updates.states/0/packages'],
  );
});

test('tells of 20 problems over all items', () => {
  const items = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`none.item${index}`, []]));
  assert.equal(problemsOfItems(items, 'full').length, 20);
});
