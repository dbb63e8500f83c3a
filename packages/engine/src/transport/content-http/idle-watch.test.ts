import assert from 'node:assert/strict';
import { test } from 'node:test';
import { never } from '../../../test-support/bytes.ts';
import { contentError } from '../../../test-support/content-errors.ts';
import { ManualClock } from '../../../test-support/manual-clock.ts';
import { IdleWatch } from './idle-watch.ts';

const idleTimeoutMs = 4000;

function watching() {
  const clock = new ManualClock();
  const failures: unknown[] = [];
  const url = new URL('http://127.0.0.1/x');
  const watch = new IdleWatch({ clock, idleTimeoutMs, url, signal: never() }, (failure) =>
    failures.push(failure),
  );
  return { clock, failures, watch };
}

test('a server is given up when the idle time is over', async () => {
  const { clock, failures, watch } = watching();
  watch.waitBegins();
  await clock.advance(3999);
  assert.deepEqual(failures, []);
  await clock.advance(1);
  assert.equal(failures.length, 1);
  assert.ok(contentError('STALLED')(failures[0]));
  assert.equal(clock.sleeperCount, 0);
});

test('every wait has the whole idle time, and at most a quarter more', async () => {
  const { clock, failures, watch } = watching();
  watch.waitBegins();
  await clock.advance(1);
  watch.waitEnds();
  watch.waitBegins();
  await clock.advance(3999);
  assert.deepEqual(failures, []);
  await clock.advance(1001);
  assert.equal(failures.length, 1);
});

test('a server that sends now and then is never given up', async () => {
  const { clock, failures, watch } = watching();
  for (let piece = 0; piece < 50; piece += 1) {
    watch.waitBegins();
    await clock.advance(3900);
    watch.waitEnds();
  }
  assert.deepEqual(failures, []);
});

test('time in which nobody waits does not count, and costs no timer for ever', async () => {
  const { clock, failures, watch } = watching();
  watch.waitBegins();
  watch.waitEnds();
  await clock.advance(60_000);
  assert.equal(clock.sleeperCount, 0);
  watch.waitBegins();
  await clock.advance(3999);
  assert.deepEqual(failures, []);
  watch.end();
  await clock.advance(60_000);
  assert.deepEqual(failures, []);
  assert.equal(clock.sleeperCount, 0);
});

test('one timer watches over any number of waits', async () => {
  const { clock, watch } = watching();
  for (let piece = 0; piece < 100; piece += 1) {
    watch.waitBegins();
    watch.waitEnds();
  }
  watch.waitBegins();
  assert.equal(clock.sleeperCount, 1);
  watch.end();
  await clock.settle();
});
