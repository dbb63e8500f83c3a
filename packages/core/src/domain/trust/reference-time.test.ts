import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { referenceTime } from './reference-time.ts';

test('moving the clock back never goes behind the floor', () => {
  fc.assert(
    fc.property(fc.nat(), fc.nat(), fc.nat(), (clock, back, floor) => {
      assert.ok(referenceTime(clock - back, floor) >= floor);
      assert.ok(referenceTime(clock - back, floor) <= referenceTime(clock, floor));
    }),
  );
});

test('a clock ahead of the floor counts as it is', () => {
  assert.equal(referenceTime(2000, 1000), 2000);
});
