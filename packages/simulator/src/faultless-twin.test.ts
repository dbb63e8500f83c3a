import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runSeed } from './run/check-seed.ts';
import type { SiteEndState } from './run/end-of-run.ts';
import { planOf } from './run/plan.ts';

/** Few, for each is two whole runs; what it compares beyond other runs is that faults left no other end state behind. */
const seeds = [4, 302];

async function endState(seed: number, without: ReadonlySet<number>): Promise<readonly SiteEndState[]> {
  const { failure, endState: state } = await runSeed(seed, { without });
  assert.equal(failure, undefined, `seed ${seed}`);
  assert.ok(state.length > 1);
  return state;
}

for (const seed of seeds) {
  test(`what an administrator ordered ends the same with the faults of seed ${seed} and without them`, async () => {
    const { faults } = planOf(seed);
    assert.ok(faults.length > 0, 'a run without faults compares nothing');
    assert.deepEqual(await endState(seed, new Set()), await endState(seed, new Set(faults.keys())));
  });
}
