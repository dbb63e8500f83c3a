import assert from 'node:assert/strict';
import { test } from 'node:test';
import { report, runSeed, shrink } from './run/check-seed.ts';
import { planOf, type PlanOptions } from './run/plan.ts';
import type { RunResult } from './run/simulation.ts';

/** Histories that once went wrong, each with what it was. What mended it has a test of its own beside the code. */
async function holds(seed: number, options: PlanOptions = {}): Promise<RunResult> {
  const result = await runSeed(seed, options);
  if (result.failure === undefined) return result;
  assert.fail(report(await shrink(seed, options, result), planOf(seed, options)));
}

test('a site whose disk is full for hours does not greet its parent again and again (51 409 events in five days)', async () => {
  // The machine that runs twice is another story.
  const twins = planOf(301).faults.flatMap(({ kind }, index) => (kind === 'twin' ? [index] : []));
  const { events } = await holds(301, { without: new Set(twins) });
  assert.ok(events < 20_000, `${events} events`);
});

test('a fork of the top-tier site ends with the restore that its halt names: events of both copies had one version, and halted the link again for ever', async () => {
  const { forks } = await holds(127);
  assert.ok(forks > 0, 'nothing contradicted itself');
});

test('a site that dies, or whose disk is full, as it writes down a fork: nobody was there to hear that this failed', async () => {
  await holds(100199);
});

test('a hotfix that was released together with its version: the list showed it below, as if it were the older one', async () => {
  await holds(100358);
});

test('an install that waits for a parent which gave it up, or for a site that cannot be set up, is in the way until it is taken back', async () => {
  await holds(200533);
  await holds(200569);
});
