import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Chance } from './chance.ts';
import { Life } from './life.ts';
import { type LineTrouble, Network, NoAnswer } from './network.ts';
import { type Mishap, Tally } from './tally.ts';
import { Timeline } from './timeline.ts';

const minute = 60_000;
const running = (): boolean => false;

/** Two machines, a line between them that may be disturbed, and a server that notes when it was asked. */
function twoMachines(trouble?: Partial<LineTrouble>) {
  const timeline = new Timeline(0);
  const tally = new Tally();
  const network = new Network(timeline, new Chance(1), tally.count);
  const mend = trouble === undefined ? () => undefined : network.disturb('one', 'other', trouble);
  const served: unknown[] = [];
  const caller = new Life();
  const call = (what: unknown, waitMs = 0): Promise<unknown> =>
    network.call(
      { from: 'one', to: 'other', caller },
      async () => {
        served.push(what);
        return what;
      },
      waitMs,
      new AbortController().signal,
    );
  const struck = (what: Mishap): number => tally.struck[what];
  return { timeline, network, mend, served, caller, call, struck };
}

/** How a call ended: its answer, why there was none, or undefined as long as it goes on. */
function outcomeOf(call: Promise<unknown>): { value: unknown } {
  const outcome: { value: unknown } = { value: undefined };
  call.then(
    (value) => (outcome.value = value),
    (error: unknown) => (outcome.value = error instanceof NoAnswer ? error.reason : error),
  );
  return outcome;
}

test('a call over a line that is well is answered within moments, and nothing is counted', async () => {
  const { timeline, call, struck } = twoMachines();
  const outcome = outcomeOf(call('asked'));
  await timeline.run(100, running);
  assert.equal(outcome.value, 'asked');
  assert.equal(struck('messages lost') + struck('requests doubled') + struck('messages overtaken'), 0);
});

test('nothing gets over a line that is cut: the caller gives up after its patience, and is answered once it is mended', async () => {
  const { timeline, mend, served, call, struck } = twoMachines({ isCut: true });
  const outcome = outcomeOf(call('asked'));
  await timeline.run(29_999, running);
  assert.equal(outcome.value, undefined);
  await timeline.run(minute, running);
  assert.deepEqual([outcome.value, served], ['silent', []]);
  assert.equal(struck('calls over a cut line'), 1);
  mend();
  const again = outcomeOf(call('asked again'));
  await timeline.run(2 * minute, running);
  assert.equal(again.value, 'asked again');
});

test('a line between two others is nobody else’s trouble', async () => {
  const { timeline, network, call } = twoMachines();
  network.disturb('other', 'third', { isCut: true });
  const outcome = outcomeOf(call('asked'));
  await timeline.run(100, running);
  assert.equal(outcome.value, 'asked');
});

test('a request may be lost without an effect, and an answer after its effect', async () => {
  const { timeline, served, call, struck } = twoMachines({ lostShare: 0.5 });
  const outcomes = new Map<number, { value: unknown }>();
  for (let index = 0; index < 100; index += 1) outcomes.set(index, outcomeOf(call(index)));
  await timeline.run(minute, running);
  const answered = [...outcomes].filter(([index, { value }]) => value === index);
  const silent = [...outcomes].filter(([, { value }]) => value === 'silent');
  const inVain = silent.filter(([index]) => served.includes(index));
  assert.equal(answered.length + silent.length, 100);
  assert.ok(answered.length > 5 && inVain.length > 5 && inVain.length < silent.length);
  assert.ok(answered.every(([index]) => served.includes(index)));
  assert.equal(struck('messages lost'), silent.length);
});

test('a request that is doubled has its effect twice, and one answer', async () => {
  const { timeline, served, call, struck } = twoMachines({ twiceShare: 1 });
  const outcome = outcomeOf(call('asked'));
  await timeline.run(minute, running);
  assert.deepEqual([outcome.value, served], ['asked', ['asked', 'asked']]);
  assert.equal(struck('requests doubled'), 1);
});

test('messages on a slow line overtake each other', async () => {
  const { timeline, served, call, struck } = twoMachines({ delayMaxMs: 10_000 });
  const asked = [...Array(20).keys()];
  const outcomes = asked.map((index) => outcomeOf(call(index)));
  await timeline.run(minute, running);
  assert.deepEqual(
    served.toSorted((a, b) => Number(a) - Number(b)),
    asked,
  );
  assert.notDeepEqual(served, asked);
  assert.deepEqual(
    outcomes.map(({ value }) => value),
    asked,
  );
  assert.ok(struck('messages overtaken') > 0);
});

test('a caller that hangs up or gives up is heard of at the other end, and has no answer any more', async () => {
  const timeline = new Timeline(0);
  const network = new Network(timeline, new Chance(1), () => undefined);
  const gone: number[] = [];
  const forever = (signal: AbortSignal): Promise<never> => {
    signal.addEventListener('abort', () => gone.push(timeline.now()));
    return new Promise<never>(() => undefined);
  };
  const hangsUp = new AbortController();
  const between = { from: 'one', to: 'other', caller: new Life() };
  const first = outcomeOf(network.call(between, forever, minute, hangsUp.signal));
  const second = outcomeOf(network.call(between, forever, minute, new AbortController().signal));
  await timeline.run(1_000, running);
  hangsUp.abort(new Error('no need any more'));
  await timeline.run(1_100, running);
  assert.deepEqual(first.value, new Error('no need any more'));
  assert.deepEqual(gone, [1_000]);
  assert.equal(second.value, undefined);
  await timeline.run(3 * minute, running);
  assert.deepEqual([second.value, gone], ['silent', [1_000, 90_000]]);
});

test('a caller whose process has ended is never answered, and what it asked for ends', async () => {
  const { timeline, network, caller, struck } = twoMachines();
  let isGone = false;
  const asked = network.call(
    { from: 'one', to: 'other', caller },
    (gone) => {
      gone.addEventListener('abort', () => (isGone = true));
      return timeline.sleep(5_000).then(() => 'too late');
    },
    0,
    new AbortController().signal,
  );
  const outcome = outcomeOf(asked);
  await timeline.run(1_000, running);
  caller.end();
  assert.equal(isGone, true);
  await timeline.run(minute, running);
  assert.equal(outcome.value, undefined);
  assert.equal(struck('messages lost'), 0);
});

test('whoever calls where nobody listens hears so', async () => {
  const { timeline, network, caller } = twoMachines();
  const asked = network.call(
    { from: 'one', to: 'other', caller },
    () => undefined,
    0,
    new AbortController().signal,
  );
  const outcome = outcomeOf(asked);
  await timeline.run(1_000, running);
  assert.equal(outcome.value, 'refused');
});
