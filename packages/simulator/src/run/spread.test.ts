import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runSeed } from './check-seed.ts';
import { spread, type RunSummary } from './spread.ts';

test('runs on several threads come in the order of their seeds, and are what one thread makes of them', async () => {
  const options = { sites: 2, packages: 1, troubledMs: 3_600_000 };
  const seeds = [31, 32, 33];
  const summaries: RunSummary[] = [];
  let done = 0;
  for await (const summary of spread({ seeds, options, isFaultless: false }, 2, () => (done += 1))) {
    summaries.push(summary);
  }
  assert.deepEqual([summaries.map(({ seed }) => seed), done], [seeds, 3]);
  const alone = await runSeed(32, options);
  assert.equal(summaries[1]?.storyDigest, alone.story.digest());
});
