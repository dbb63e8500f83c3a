import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SiteUsage } from '@sallyport/core/domain/usage/report';
import type { CollectorState } from '@sallyport/engine/components/usage-collector/collector-state';
import { collectionProblems } from './usage-data.ts';

const last = { at: 5, ms: 1, level: 'basic', request: 2, failedItems: 0, count: 1 } as const;
const state: CollectorState = { schema: 1, setUpAt: 0, last };
const usage: SiteUsage = {
  schema: 1,
  level: 'basic',
  collectedAt: '2026-01-10T00:00:00.000Z',
  request: 2,
  items: { 'setup.age': [{ days: 1 }] },
};

test('a collection and what is remembered of it belong together', () => {
  assert.deepEqual(collectionProblems(undefined, undefined), []);
  assert.deepEqual(collectionProblems({ schema: 1, setUpAt: 0 }, undefined), []);
  assert.deepEqual(collectionProblems(state, usage), []);
  for (const [wrongState, wrongUsage] of [
    [{ schema: 1, setUpAt: 0 }, usage],
    [undefined, usage],
    [state, undefined],
    [state, { ...usage, level: 'enhanced' }],
    [state, { ...usage, request: 3 }],
    [state, { ...usage, items: { 'setup.age': [{ days: -1 }] } }],
    [state, { ...usage, items: { 'updates.history': [] } }],
    [{ ...state, last: { ...last, failedItems: 1 } }, usage],
  ] as const)
    assert.equal(
      collectionProblems(wrongState, wrongUsage).length,
      1,
      JSON.stringify([wrongState, wrongUsage]),
    );
});
