import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findRequiresCycle } from './requires-cycle.ts';
import { guid } from './test-support/packages.ts';

function packages(requires: Readonly<Record<number, readonly number[]>>) {
  return Object.entries(requires).map(([key, needed]) => ({
    guid: guid(Number(key)),
    requires: needed.map(guid),
  }));
}

test('finds no circle in chains, diamonds and requirements from elsewhere', () => {
  assert.equal(findRequiresCycle(packages({ 1: [], 2: [1], 3: [1, 2], 4: [3, 2, 99] })), undefined);
});

test('names the circle from its first member back to it', () => {
  assert.deepEqual(findRequiresCycle(packages({ 1: [2], 2: [3], 3: [4, 2], 4: [] })), [
    guid(2),
    guid(3),
    guid(2),
  ]);
  assert.deepEqual(findRequiresCycle(packages({ 7: [7] })), [guid(7), guid(7)]);
});

test('walks long chains without exhausting the stack, in linear time', () => {
  const chain = Array.from({ length: 50_000 }, (_, index) => ({
    guid: guid(index),
    requires: index === 0 ? [] : [guid(index - 1)],
  }));
  assert.equal(findRequiresCycle(chain.toReversed()), undefined);
  assert.equal(findRequiresCycle(chain), undefined);
});
