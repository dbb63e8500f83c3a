import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Life } from './life.ts';
import { MachineClock } from './machine-clock.ts';
import { Timeline } from './timeline.ts';

const never = new AbortController().signal;

function machine(offsetMs = 0) {
  const timeline = new Timeline(0);
  const clock = new MachineClock(timeline, offsetMs);
  const life = new Life();
  const seen: string[] = [];
  const tell = (what: string) => () => seen.push(`${what} ${timeline.now()}`);
  return { timeline, clock, life, port: clock.of(life), seen, tell };
}

test('waits for a time of day by its own clock, and sleeps by true time', async () => {
  const { timeline, port, seen, tell } = machine(-500);
  void port.until(1_000, never).then(tell('until'));
  void port.sleep(1_000, never).then(tell('sleep'));
  await timeline.run(5_000, () => false);
  assert.deepEqual(seen, ['sleep 1000', 'until 1500']);
});

test('a clock that is set forward ends the wait early, one that is set back within a minute', async () => {
  const { timeline, clock, port, seen, tell } = machine();
  void port.until(100_000_000, never).then(tell('far'));
  void port.until(undefined, never).then(tell('open'));
  timeline.at(1_000, () => clock.set(200_000_000));
  timeline.at(2_000, () => clock.set(0));
  await timeline.run(1_000_000, () => false);
  assert.deepEqual(seen, ['far 1000', 'open 62000']);
});

test('nothing that a process waited for comes after its end', async () => {
  const { timeline, life, port, seen, tell } = machine();
  const ending = new AbortController();
  void port.sleep(10, never).then(tell('slept'), tell('failed'));
  void port.until(10, ending.signal).then(tell('waited'), tell('failed'));
  timeline.at(5, () => life.end());
  timeline.at(6, () => ending.abort(new Error('too late')));
  await timeline.run(100, () => false);
  assert.deepEqual(seen, []);
});
