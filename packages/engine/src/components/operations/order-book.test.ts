import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Roster } from '@sallyport/core/domain/sites/site';
import { hierarchyId, siteCode } from '@sallyport/core/shared/ids';
import { OrderBook } from './order-book.ts';

function bookIn(epoch: number, seen: number): OrderBook {
  const code = siteCode('CAS');
  const roster: Roster = {
    schema: 1,
    hierarchyId: hierarchyId('0'.repeat(64)),
    version: 1,
    sites: [{ code, type: 'central', key: '1'.repeat(64), epoch }],
  };
  const status = { schema: 1, last: seen, deferred: [], refused: [] } as const;
  return new OrderBook({
    orders: [],
    roster,
    statuses: new Map([[siteCode('PR1'), status]]),
    projections: [],
  });
}

test('the next order comes after every one that a site has seen', () => {
  assert.equal(bookIn(1, 0).nextSequence(), 1);
  assert.equal(bookIn(1, 41).nextSequence(), 42);
});

test('a restored top-tier site numbers its orders above those that it has forgotten, heard of or not', () => {
  assert.equal(bookIn(2, 0).nextSequence(), 1_000_001);
  assert.equal(bookIn(2, 1_000_007).nextSequence(), 1_000_008);
  assert.equal(bookIn(3, 1_000_007).nextSequence(), 2_000_001);
});
