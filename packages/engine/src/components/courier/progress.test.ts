import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CourierProgress } from './courier-ports.ts';
import { CourierMeter } from './progress.ts';

test('tells how much is done, how fast it comes, and how long the rest will take', () => {
  let now = 0;
  const told: CourierProgress[] = [];
  const meter = new CourierMeter({ now: () => now }, { totalBytes: 1_000, doneBytes: 200 }, (progress) =>
    told.push(progress),
  );
  for (let second = 1; second <= 4; second += 1) {
    now = second * 1_000;
    meter.received(100);
  }
  assert.deepEqual(told.at(-1), {
    doneBytes: 600,
    totalBytes: 1_000,
    bytesPerSecond: 100,
    remainingMs: 4_000,
  });
  assert.equal(meter.fetchedBytes, 400, 'what an earlier run brought is not fetched again');
});

test('says no more than is worth reading, and never more than there is', () => {
  const told: CourierProgress[] = [];
  let now = 0;
  const meter = new CourierMeter({ now: () => now }, { totalBytes: 100, doneBytes: 0 }, (progress) =>
    told.push(progress),
  );
  for (let count = 0; count < 50; count += 1) meter.received(10);
  assert.equal(told.length, 1);
  now = 5_000;
  // Attempts that failed cost bytes too.
  meter.received(10);
  assert.equal(told.at(-1)?.doneBytes, 100);
});
