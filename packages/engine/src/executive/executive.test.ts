import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Component, ComponentStatus } from '../ports/component.ts';
import type { Log } from '../ports/log.ts';
import { Executive } from './executive.ts';

/** A clock whose sleepers are let go by hand. */
class StepClock {
  time = 0;
  readonly sleepers: { ms: number; wake(): void }[] = [];
  now(): number {
    return this.time;
  }
  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const sleeper = { ms, wake: resolve };
      this.sleepers.push(sleeper);
      signal.addEventListener('abort', () => {
        this.sleepers.splice(this.sleepers.indexOf(sleeper), 1);
        reject(signal.reason as Error);
      });
    });
  }
  wakeNext(): void {
    const sleeper = this.sleepers.shift();
    assert.ok(sleeper, 'nobody sleeps');
    this.time += sleeper.ms;
    sleeper.wake();
  }

  until(): Promise<void> {
    return Promise.reject(new Error('the executive waits by sleeping'));
  }
}

class Probe implements Component {
  readonly name: string;
  readonly #journal: string[];
  failures = 0;
  stopWork: () => Promise<void> = () => Promise.resolve();
  started = Promise.withResolvers<void>();

  constructor(name: string, journal: string[]) {
    this.name = name;
    this.#journal = journal;
  }
  start(): Promise<void> {
    if (this.failures-- > 0) return Promise.reject(new Error('port taken'));
    this.#journal.push(`start ${this.name}`);
    this.started.resolve();
    return Promise.resolve();
  }
  stop(): Promise<void> {
    this.#journal.push(`stop ${this.name}`);
    return this.stopWork();
  }
  query(): ComponentStatus {
    return { state: 'running', reason: 'at work', since: 0 };
  }
}

const silent: Log = { debug() {}, info() {}, warn() {}, error() {} };
const random = { fraction: () => 0, bytes: () => new Uint8Array(), uuid: () => '' };

function setUp(): { journal: string[]; a: Probe; b: Probe; clock: StepClock; executive: Executive } {
  const journal: string[] = [];
  const a = new Probe('A', journal);
  const b = new Probe('B', journal);
  const clock = new StepClock();
  return {
    journal,
    a,
    b,
    clock,
    executive: new Executive({ components: [a, b], clock, random, log: silent }),
  };
}

test('starts in order and stops in reverse order', async () => {
  const { executive, journal } = setUp();
  await executive.start();
  assert.deepEqual(await executive.stop(), []);
  assert.deepEqual(journal, ['start A', 'start B', 'stop B', 'stop A']);
});

test('starts the others when one fails, says why, and tries that one again', async () => {
  const { executive, journal, a, clock } = setUp();
  a.failures = 1;
  await executive.start();
  assert.deepEqual(journal, ['start B']);
  const [status] = executive.query();
  assert.equal(status?.state, 'failing');
  assert.equal(status.reason, 'could not be started: port taken');
  assert.equal(status.nextAt, 500);
  clock.wakeNext();
  await a.started.promise;
  assert.deepEqual(journal, ['start B', 'start A']);
  await executive.stop();
  assert.equal(clock.sleepers.length, 0);
});

test('stops trying when it is stopped', async () => {
  const { executive, a, clock } = setUp();
  a.failures = Infinity;
  await executive.start();
  await executive.stop();
  assert.equal(clock.sleepers.length, 0);
});

test('names a component that does not stop within its limit, and stops the rest', async () => {
  const { executive, journal, b, clock } = setUp();
  b.stopWork = () => new Promise(() => {});
  await executive.start();
  const stopping = executive.stop();
  while (clock.sleepers.length === 0) await Promise.resolve();
  clock.wakeNext();
  assert.deepEqual(await stopping, ['B']);
  assert.equal(journal.at(-1), 'stop A');
});

test('goes on stopping when one component throws', async () => {
  const { executive, journal, b } = setUp();
  b.stopWork = () => Promise.reject(new Error('broken'));
  await executive.start();
  assert.deepEqual(await executive.stop(), []);
  assert.equal(journal.at(-1), 'stop A');
});
