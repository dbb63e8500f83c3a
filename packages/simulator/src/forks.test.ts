import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runSeed } from './run/check-seed.ts';
import { planOf } from './run/plan.ts';

test('a machine that runs twice is found: both sides stop and name the remedy, and all converge once it is followed', async () => {
  const { faults } = planOf(63);
  const others = faults.flatMap(({ kind }, index) => (kind === 'twin' ? [] : [index]));
  assert.ok(others.length < faults.length, 'no machine runs twice');
  const { failure, forks, story } = await runSeed(63, { without: new Set(others) });
  assert.equal(failure, undefined, story.text());
  assert.ok(forks > 0, 'nothing contradicted itself');
  assert.match(story.text(), /goes on in epoch 2/);
});
