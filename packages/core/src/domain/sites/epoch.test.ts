import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endsHalt, forkByCursor, judgeEpoch, type LinkHalt } from './epoch.ts';

const link = { own: 'P01', peer: 'CAS', ownHead: 10, ownCursor: 20, peerHead: 25, peerCursor: 10 };

test('a site of a lower epoch than is known of it is an old copy', () => {
  assert.equal(judgeEpoch(2, 1), 'older');
  assert.equal(judgeEpoch(2, 2), 'current');
  assert.equal(judgeEpoch(2, 3), 'newer');
});

test('a side that lost writes which the other has is found by its head', () => {
  assert.equal(forkByCursor(link), undefined);
  assert.match(
    forkByCursor({ ...link, peerHead: 19 }) ?? '',
    /site CAS has 19 changes, but P01 has already taken 20/,
  );
  assert.match(
    forkByCursor({ ...link, ownHead: 9 }) ?? '',
    /site P01 has 9 changes, but CAS has already taken 10/,
  );
});

test('a halt ends when either side has been restored with a higher epoch', () => {
  const halt: LinkHalt = { code: 'FORK', reason: 'two histories', since: 0, epochs: { own: 1, peer: 2 } };
  assert.equal(endsHalt(halt, { own: 1, peer: 2 }), false);
  assert.equal(endsHalt(halt, { own: 2, peer: 2 }), true);
  assert.equal(endsHalt(halt, { own: 1, peer: 3 }), true);
});
