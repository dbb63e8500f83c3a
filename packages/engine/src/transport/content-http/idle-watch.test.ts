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

test('every KiB has the whole idle time, and at most a quarter more', async () => {
  const { clock, failures, watch } = watching();
  watch.waitBegins();
  await clock.advance(1);
  watch.waitEnds();
  watch.came(1024);
  watch.waitBegins();
  await clock.advance(3999);
  assert.deepEqual(failures, []);
  await clock.advance(1001);
  assert.equal(failures.length, 1);
});

/** Sends pieces one after the other; answers when the server was given up, if it was. */
async function givenUpAfter(pieces: number, sizeBytes: number, everyMs: number): Promise<number | undefined> {
  const { clock, failures, watch } = watching();
  const begun = clock.now();
  for (let piece = 0; piece < pieces && failures.length === 0; piece += 1) {
    watch.waitBegins();
    await clock.advance(everyMs);
    watch.waitEnds();
    watch.came(sizeBytes);
  }
  watch.end();
  await clock.settle();
  return failures.length === 0 ? undefined : clock.now() - begun;
}

test('a server that sends a KiB in each idle time is never given up, in whatever pieces', async () => {
  assert.equal(await givenUpAfter(50, 1024, 3900), undefined);
  assert.equal(await givenUpAfter(500, 103, 390), undefined);
});

test('a server that sends less than that is given up, however often it sends', async () => {
  const justLess = await givenUpAfter(100, 1023, 3900);
  assert.ok(justLess !== undefined && justLess <= 7800, `given up after ${String(justLess)} ms`);
  for (const everyMs of [10, 390, 999, 1000, 1001, 3900]) {
    const afterMs = await givenUpAfter(500, 1, everyMs);
    assert.ok(afterMs !== undefined && afterMs <= 5000 + everyMs, `given up after ${String(afterMs)} ms`);
  }
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
