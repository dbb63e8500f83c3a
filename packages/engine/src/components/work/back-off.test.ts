import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backOffMs, isDue } from './back-off.ts';

const backOff = { firstMs: 1_000, maxMs: 60_000 };

test('delays double up to the longest one, and are shortened by half at most', () => {
  assert.deepEqual(
    [1, 2, 3, 7, 100].map((failures) => backOffMs(backOff, failures, 0)),
    [1_000, 2_000, 4_000, 60_000, 60_000],
  );
  assert.equal(backOffMs(backOff, 1, 0.999_999), 500);
});

test('a try is due when its time has come, and when a clock that was set back makes nonsense of that time', () => {
  const now = 1_000_000;
  assert.ok(isDue(backOff, undefined, now));
  assert.ok(isDue(backOff, now, now));
  assert.ok(!isDue(backOff, now + 60_000, now));
  assert.ok(isDue(backOff, now + 60_001, now));
});
