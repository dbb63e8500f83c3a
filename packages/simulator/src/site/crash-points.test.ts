import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeadProcess } from '../disk/mortal.ts';
import { Life } from '../world/life.ts';
import { type CrashPhase, type Victim, withCrashPoints } from './crash-points.ts';

function victimOf(phase: CrashPhase | undefined) {
  const life = new Life();
  const where: string[] = [];
  const victim: Victim = {
    life,
    judge: () => phase,
    onEffect: () => undefined,
    die: (place) => {
      where.push(place);
      life.end();
    },
  };
  return { victim, where };
}

function database() {
  const effects: string[] = [];
  return { effects, read: () => effects.length, write: (what: string) => effects.push(what) };
}

/** Whether a promise has settled by the time that everything in memory has gone on. */
async function settles(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  void promise
    .catch(() => undefined)
    .then(() => {
      settled = true;
    });
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
  return settled;
}

test('a process that is cut off before a call has not done it, and does nothing any more', () => {
  const real = database();
  const { victim, where } = victimOf('before');
  const port = withCrashPoints('database', real, victim);
  assert.throws(() => port.write('one'), DeadProcess);
  assert.throws(() => port.read(), DeadProcess);
  assert.deepEqual([real.effects, where], [[], ['database.write']]);
});

test('a process that is cut off after a call has done it, and does not hear of it', () => {
  const real = database();
  const port = withCrashPoints('database', real, victimOf('after').victim);
  assert.throws(() => port.write('one'), DeadProcess);
  assert.throws(() => port.write('two'), DeadProcess);
  assert.deepEqual(real.effects, ['one']);
});

for (const [phase, effects] of [
  ['before', 0],
  ['after', 1],
] as const) {
  test(`a call that answers later never answers a process that is cut off ${phase} it`, async () => {
    const done: string[] = [];
    const real = { save: async (what: string) => void done.push(what) };
    const { victim } = victimOf(phase);
    assert.equal(await settles(withCrashPoints('trust', real, victim).save('root')), false);
    assert.equal(done.length, effects);
    assert.ok(victim.life.isOver);
  });
}

test('a process that is not cut off is answered as the port answers, failures too', async () => {
  const real = { save: () => Promise.reject(new Error('the disk is full')), load: () => Promise.resolve(7) };
  const port = withCrashPoints('trust', real, victimOf(undefined).victim);
  assert.equal(await port.load(), 7);
  await assert.rejects(port.save(), /the disk is full/);
});
