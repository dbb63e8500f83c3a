import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { ManualClock } from '../../test-support/manual-clock.ts';
import { systemClock } from './clock.ts';

for (const [name, clock] of [
  ['system', systemClock],
  ['manual', new ManualClock()],
] as const) {
  test(`${name} clock: a sleep that is cancelled rejects with the reason and leaves no listener`, async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    const sleep = clock.sleep(2 ** 40, controller.signal);
    assert.equal(getEventListeners(controller.signal, 'abort').length, 1);
    controller.abort(reason);
    await assert.rejects(sleep, reason);
    await assert.rejects(clock.sleep(1, controller.signal), reason);
    assert.equal(getEventListeners(controller.signal, 'abort').length, 0);
  });
}

test('system clock: a sleep ends after its time and leaves no listener', async () => {
  const controller = new AbortController();
  const before = systemClock.now();
  await systemClock.sleep(5, controller.signal);
  await systemClock.sleep(-5, controller.signal);
  assert.ok(systemClock.now() - before >= 4);
  assert.equal(getEventListeners(controller.signal, 'abort').length, 0);
});

test('manual clock: advancing wakes sleepers in the order of their times', async () => {
  const clock = new ManualClock(1000);
  const { signal } = new AbortController();
  const woken: string[] = [];
  const sleeper = async (name: string, ms: number): Promise<void> => {
    await clock.sleep(ms, signal);
    woken.push(`${name} ${String(clock.now())}`);
  };
  const late = sleeper('late', 50);
  const twice = sleeper('early', 10).then(() => sleeper('early again', 10));
  await clock.sleeping(2);
  await clock.advance(30);
  assert.deepEqual(woken, ['early 1010', 'early again 1020']);
  await clock.advance(20);
  await Promise.all([late, twice]);
  assert.deepEqual(woken.at(-1), 'late 1050');
  assert.equal(clock.now(), 1050);
});

for (const [name, clock] of [
  ['system', systemClock],
  ['manual', new ManualClock()],
] as const) {
  test(`${name} clock: waiting for a time of day ends at once when it has come, and with the reason when it is cancelled`, async () => {
    const controller = new AbortController();
    await clock.until(clock.now(), controller.signal);
    const reason = new Error('enough');
    const waits = [
      clock.until(undefined, controller.signal),
      clock.until(clock.now() + 2 ** 40, controller.signal),
    ];
    controller.abort(reason);
    for (const wait of waits) await assert.rejects(wait, reason);
    await assert.rejects(clock.until(0, controller.signal), reason);
    assert.equal(getEventListeners(controller.signal, 'abort').length, 0);
  });
}

test('system clock: waiting for a time of day reads it again each minute, and notices that it was set back or forward', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let now = 1_000_000;
  t.mock.method(Date, 'now', () => now);
  const { signal } = new AbortController();
  const ended: string[] = [];
  const waits = [
    systemClock.until(undefined, signal).then(() => ended.push('back')),
    systemClock.until(1_000_000 + 86_400_000, signal).then(() => ended.push('forward')),
  ];
  const pass = async (ms: number): Promise<void> => {
    now += ms;
    t.mock.timers.tick(ms);
    for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
  };
  await pass(60_000);
  assert.deepEqual(ended, []);
  now += 90_000_000;
  await pass(60_000);
  assert.deepEqual(ended, ['forward']);
  now = 0;
  await pass(60_000);
  await Promise.all(waits);
  assert.deepEqual(ended, ['forward', 'back']);
});
