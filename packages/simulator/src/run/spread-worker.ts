import { parentPort, workerData } from 'node:worker_threads';
import { runSeed } from './check-seed.ts';
import { planOf } from './plan.ts';
import type { RunSummary, WorkerTask } from './spread.ts';

const { seeds, options, isFaultless } = workerData as WorkerTask;

for (const seed of seeds) {
  const without = isFaultless ? new Set(planOf(seed, options).faults.keys()) : options.without;
  const { story, ...result } = await runSeed(seed, {
    ...options,
    ...(without === undefined ? {} : { without }),
  });
  const summary: RunSummary = { ...result, storyDigest: story.digest() };
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- the parent thread, not a window
  parentPort?.postMessage(summary);
}
