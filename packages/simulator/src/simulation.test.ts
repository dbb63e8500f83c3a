import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { test } from 'node:test';
import { report, runSeed, shrink } from './run/check-seed.ts';
import { planOf } from './run/plan.ts';

const fixedSeeds = [1, 2, 302, 309];
const randomCount = Number(process.env['SALLYPORT_PROPERTY_RUNS'] ?? 2);
const firstRandom = Number(process.env['SALLYPORT_PROPERTY_SEED'] ?? randomInt(2 ** 31));

async function holds(seed: number): Promise<void> {
  const result = await runSeed(seed);
  if (result.failure === undefined) return;
  assert.fail(report(await shrink(seed, {}, result), planOf(seed)));
}

for (const seed of fixedSeeds) {
  test(`whatever goes wrong with seed ${seed}, everything that must hold does, and every site comes to its end`, () =>
    holds(seed));
}

test(`the same for ${randomCount} seeds that nobody chose, from ${firstRandom} on`, async () => {
  for (let seed = firstRandom; seed < firstRandom + randomCount; seed += 1) await holds(seed);
});

test('the same seed gives the same story, byte for byte', async () => {
  const first = await runSeed(304);
  const second = await runSeed(304);
  assert.ok(first.events > 500, `${first.events} events`);
  assert.equal(second.story.digest(), first.story.digest());
  assert.notEqual((await runSeed(304, { sites: 2 })).story.digest(), first.story.digest());
});
