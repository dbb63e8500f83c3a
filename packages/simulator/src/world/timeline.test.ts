import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Chance } from './chance.ts';
import { Timeline } from './timeline.ts';

test('what is planned happens in the order of its times, and what was planned first of one moment comes first', async () => {
  const chance = new Chance(7);
  const timeline = new Timeline(1_000);
  const planned: { readonly at: number; readonly order: number }[] = [];
  const happened: { readonly at: number; readonly order: number }[] = [];
  for (let order = 0; order < 500; order += 1) {
    const at = 1_000 + chance.between(0, 60);
    const cancel = timeline.at(at, () => happened.push({ at: timeline.now(), order }));
    if (chance.happens(0.2)) cancel();
    else planned.push({ at, order });
  }
  await timeline.run(2_000, () => false);
  assert.deepEqual(
    happened,
    planned.toSorted((a, b) => a.at - b.at || a.order - b.order),
  );
  assert.equal(timeline.now(), 2_000);
});

test('everything that one event sets going has run before the next one', async () => {
  const timeline = new Timeline(0);
  const seen: string[] = [];
  timeline.at(1, () => {
    void Promise.resolve()
      .then(() => Promise.resolve())
      .then(() => seen.push('what followed from the first'));
  });
  timeline.at(1, () => seen.push('the second'));
  await timeline.run(5, () => false);
  assert.deepEqual(seen, ['what followed from the first', 'the second']);
});

test('a run ends when it is told to, with the time of what happened last', async () => {
  const timeline = new Timeline(0);
  let count = 0;
  const again = (): void => {
    count += 1;
    timeline.after(10, again);
  };
  timeline.after(10, again);
  await timeline.run(1_000, () => count === 3);
  assert.equal(timeline.now(), 30);
});
