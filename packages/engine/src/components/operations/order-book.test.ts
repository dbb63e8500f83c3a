import assert from 'node:assert/strict';
import { test } from 'node:test';
import { orderSequenceMax, ordersPerEpoch } from '@sallyport/core/domain/sites/epoch';
import type { Roster, RosterEntry } from '@sallyport/core/domain/sites/site';
import type { UpdateProjection, UpdateState } from '@sallyport/core/domain/updates/event';
import type { Order } from '@sallyport/core/domain/updates/order';
import {
  digest,
  hierarchyId,
  packageGuid,
  productId,
  type SiteCode,
  siteCode,
} from '@sallyport/core/shared/ids';
import { OrderBook } from './order-book.ts';

const pr1 = siteCode('PR1');
const guid = packageGuid('11111111-2222-3333-4444-555555555555');

function bookIn(epoch: number, seen: number, more: { revoked?: true; attempt?: number } = {}): OrderBook {
  const code = siteCode('CAS');
  const revoked = { at: '2026-01-01T00:00:00Z', reason: 'stolen' };
  const roster: Roster = {
    schema: 1,
    hierarchyId: hierarchyId('0'.repeat(64)),
    version: 1,
    sites: [
      { code, type: 'central', key: '1'.repeat(64), epoch },
      {
        code: pr1,
        type: 'primary',
        parent: code,
        key: '2'.repeat(64),
        epoch: 1,
        ...(more.revoked === undefined ? {} : { revoked }),
      },
    ],
  };
  const status = { schema: 1, last: seen, deferred: [], refused: [] } as const;
  return new OrderBook({
    orders: [],
    roster,
    statuses: new Map([[pr1, status]]),
    projections: more.attempt === undefined ? [] : [projectionOf(pr1, 'INSTALL_FAILED', more.attempt)],
  });
}

function projectionOf(site: SiteCode, state: UpdateState, attempt: number): UpdateProjection {
  const rest = { since: 0, reason: 'so it says', stepsDone: [], contentHeld: true, data: {} };
  return { guid, site, state, sequence: 1, attempt, ...rest };
}

test('says which package a site has in hand: ordered for it, and not come to its end', () => {
  const cas: RosterEntry = { code: siteCode('CAS'), type: 'central', key: '1'.repeat(64), epoch: 1 };
  const [se1, se2] = (['SE1', 'SE2'] as const).map((code): RosterEntry => ({
    code: siteCode(code),
    type: 'secondary',
    parent: cas.code,
    key: (code === 'SE1' ? '2' : '3').repeat(64),
    epoch: 1,
  }));
  assert.ok(se1 !== undefined && se2 !== undefined);
  const roster = {
    schema: 1,
    hierarchyId: hierarchyId('0'.repeat(64)),
    version: 1,
    sites: [cas, se1, se2],
  } as const;
  const order: Order = {
    schema: 1,
    hierarchyId: roster.hierarchyId,
    sequence: 1,
    issuedAt: '2026-01-01T00:00:00Z',
    issuedBy: 'anna',
    action: 'install',
    guid,
    attempt: 1,
    sites: [se1.code],
    product: productId('hello'),
    descriptor: { sha256: digest('a'.repeat(64)), sizeBytes: 1 },
    features: [],
  };
  const book = (state?: UpdateState): OrderBook =>
    new OrderBook({
      orders: [order],
      roster,
      statuses: new Map(
        state === undefined ? [] : [[se1.code, { schema: 1, last: 1, deferred: [], refused: [] }]],
      ),
      projections: state === undefined ? [] : [projectionOf(se1.code, state, 1)],
    });
  assert.equal(book().packageInHand(se1), guid, 'nobody has heard of it yet');
  assert.equal(book('CONTENT_REPLICATING').packageInHand(se1), guid);
  assert.equal(book('INSTALL_SUCCESS').packageInHand(se1), undefined);
  assert.equal(book().packageInHand(se2), undefined, 'the order is for another site');
});

test('the next order comes after every one that a site has seen', () => {
  assert.equal(bookIn(1, 0).nextSequence(), 1);
  assert.equal(bookIn(1, 41).nextSequence(), 42);
});

test('a restored top-tier site numbers its orders above those that it has forgotten, heard of or not', () => {
  assert.equal(bookIn(2, 0).nextSequence(), 1_000_001);
  assert.equal(bookIn(2, 1_000_007).nextSequence(), 1_000_008);
  assert.equal(bookIn(3, 1_000_007).nextSequence(), 2_000_001);
});

test('a site that claims to have seen more orders than were given leaves half of the numbers of the epoch', () => {
  assert.equal(bookIn(1, orderSequenceMax).nextSequence(), ordersPerEpoch / 2 + 1);
  assert.equal(bookIn(3, orderSequenceMax).nextSequence(), 2.5 * ordersPerEpoch + 1);
});

test('what a revoked site says of orders does not count', () => {
  assert.equal(bookIn(1, 41, { revoked: true }).nextSequence(), 1);
});

test('a site that claims more attempts than anybody makes uses up no numbers of attempts', () => {
  assert.equal(bookIn(1, 0, { attempt: 3 }).nextAttempt(guid), 4);
  assert.equal(bookIn(1, 0, { attempt: Number.MAX_SAFE_INTEGER }).nextAttempt(guid), 1_000_001);
});
