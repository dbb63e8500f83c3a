import assert from 'node:assert/strict';
import { test } from 'node:test';
import { report, runSeed, shrink } from './run/check-seed.ts';
import { planOf, type PlanOptions } from './run/plan.ts';

/** Histories that once went wrong, each with what it was. What mended it has a test of its own beside the code. */
async function holds(seed: number, options: PlanOptions = {}): Promise<number> {
  const result = await runSeed(seed, options);
  if (result.failure === undefined) return result.events;
  assert.fail(report(await shrink(seed, options, result), planOf(seed, options)));
}

test('a site whose disk is full for hours does not greet its parent again and again (51 409 events in five days)', async () => {
  const events = await holds(301);
  assert.ok(events < 20_000, `${events} events`);
});
