import { Worker } from 'node:worker_threads';
import type { PlanOptions } from './plan.ts';
import type { RunResult } from './simulation.ts';

/** How a run went, without its story: what a worker tells. */
export interface RunSummary extends Omit<RunResult, 'story'> {
  readonly storyDigest: string;
}

/** What a worker is started with. */
export interface WorkerTask {
  readonly seeds: readonly number[];
  /** `without` counts for each seed; with `isFaultless`, all of a seed's faults are left out. */
  readonly options: PlanOptions;
  readonly isFaultless: boolean;
}

/**
 * Runs seeds on several threads. Answers them in the order of their numbers, whichever thread was faster, so that the
 * output of a command is the same each time.
 *
 * @throws what a worker dies of
 */
export async function* spread(
  task: WorkerTask,
  threads: number,
  onDone: () => void,
): AsyncGenerator<RunSummary> {
  const done = new Map<number, RunSummary>();
  let failure: Error | undefined;
  let wake: () => void = () => undefined;
  const workers = Array.from({ length: threads }, (_, thread) => {
    const own = task.seeds.filter((__, index) => index % threads === thread);
    const workerData: WorkerTask = { ...task, seeds: own };
    const worker = new Worker(new URL('./spread-worker.ts', import.meta.url), { workerData });
    worker.on('message', (summary: RunSummary) => {
      done.set(summary.seed, summary);
      onDone();
      wake();
    });
    worker.on('error', (error: Error) => {
      failure ??= error;
      wake();
    });
    return worker;
  });
  try {
    for (const seed of task.seeds) {
      let summary = done.get(seed);
      while (summary === undefined) {
        const news = Promise.withResolvers<void>();
        wake = news.resolve;
        await news.promise;
        if (failure !== undefined) throw failure;
        summary = done.get(seed);
      }
      done.delete(seed);
      yield summary;
    }
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}
