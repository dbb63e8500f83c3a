import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../../test-support/manual-clock.ts';
import { quietLog, fixedRandom } from './test-support/fixed-ports.ts';
import { type PassOutcome, WorkLoop } from './work-loop.ts';

function loopOf(pass: (count: number) => PassOutcome | Promise<PassOutcome>) {
  const clock = new ManualClock(1_000_000);
  let count = 0;
  const loop = new WorkLoop({
    clock,
    random: fixedRandom(0),
    log: quietLog,
    pass: async () => {
      count += 1;
      return pass(count);
    },
  });
  return { clock, loop, count: () => count };
}

const idle: PassOutcome = { state: 'waiting', reason: 'nothing to do' };

test('passes at once, then again whenever it is woken', async (t) => {
  const { loop, count, clock } = loopOf(() => idle);
  loop.start();
  t.after(() => loop.stop());
  await clock.settle();
  assert.equal(count(), 1);
  loop.wake();
  loop.wake();
  await clock.settle();
  assert.equal(count(), 2);
});

test('a wake during a pass brings another pass after it', async (t) => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { loop, count, clock } = loopOf(async (n) => {
    if (n === 1) await promise;
    return idle;
  });
  loop.start();
  t.after(() => loop.stop());
  loop.wake();
  resolve();
  await clock.settle();
  assert.equal(count(), 2);
});

test('passes again when the time named comes, even when the machine slept past it', async (t) => {
  const { loop, count, clock } = loopOf(() => ({ ...idle, nextAt: 1_000_000 + 86_400_000 }));
  loop.start();
  t.after(() => loop.stop());
  await clock.settle();
  await clock.advance(3_600_000);
  assert.equal(count(), 1);
  await clock.advance(90_000_000);
  assert.ok(count() >= 2);
});

test('passes again when the clock was set back, and not at a time that has moved away', async (t) => {
  const { loop, count, clock } = loopOf(() => ({ ...idle, nextAt: 1_000_000 + 86_400_000 }));
  loop.start();
  t.after(() => loop.stop());
  await clock.settle();
  clock.set(0);
  await clock.advance(60_000);
  assert.equal(count(), 2);
});

test('a pass that throws is repeated with growing delays, and says when', async (t) => {
  const { loop, count, clock } = loopOf((n) => {
    if (n < 3) throw new Error(`broken ${n}`);
    return idle;
  });
  loop.start();
  t.after(() => loop.stop());
  await clock.settle();
  assert.equal(loop.query().state, 'failing');
  assert.equal(loop.query().nextAt, 1_001_000);
  loop.wake();
  await clock.settle();
  assert.equal(count(), 1, 'being woken does not shorten the delay');
  await clock.advance(1_000);
  assert.equal(count(), 2);
  assert.equal(loop.query().nextAt, 1_003_000);
  await clock.advance(2_000);
  assert.equal(loop.query().state, 'waiting');
  assert.equal(loop.query().lastError, 'broken 2');
});

test('runOnce answers for a pass that began after it, with its error', async (t) => {
  const { loop, clock } = loopOf((n) => {
    if (n === 2) throw new Error('second');
    return idle;
  });
  loop.start();
  t.after(() => loop.stop());
  await clock.settle();
  await assert.rejects(loop.runOnce(), /second/);
  await loop.runOnce();
  assert.equal(loop.query().state, 'waiting');
});

test('stop is harmless before start and twice, and turns waiting callers away', async () => {
  const { loop, clock } = loopOf(async (n) => {
    if (n > 1) await new Promise<void>(() => undefined);
    return idle;
  });
  await loop.stop();
  await assert.rejects(loop.runOnce(), /not running/);
  const waiting = loopOf(() => idle);
  waiting.loop.start();
  await waiting.loop.stop();
  await waiting.loop.stop();
  assert.equal(waiting.loop.query().state, 'stopped');
  await clock.settle();
});
