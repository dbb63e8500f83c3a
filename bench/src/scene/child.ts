import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** What a measured program says at its end. */
export interface Measured {
  readonly elapsedMs: number;
  /** Of all threads of its process: what else the machine does adds little to it. */
  readonly cpuMs: number;
  /** The most memory that its process had at once. */
  readonly peakRssBytes: number;
}

const folder = join(import.meta.dirname, '../children');

/** Starts a program of `children/` that works until it is told to end; resolves to the first thing it says. */
export async function startChild(
  program: string,
  task: unknown,
  signal: AbortSignal,
): Promise<{ readonly said: unknown; readonly stop: () => Promise<void> }> {
  const child = fork(join(folder, program), [JSON.stringify(task)], { signal });
  const said = await firstWord(child, program);
  return {
    said,
    stop: async () => {
      const ended = once(child, 'exit');
      child.disconnect();
      await ended;
    },
  };
}

/** Runs a program of `children/` in a process of its own, so that its memory is its own; resolves to what it says. */
export async function runChild<T = Measured>(
  program: string,
  task: unknown,
  signal: AbortSignal,
): Promise<T> {
  const { said, stop } = await startChild(program, task, signal);
  await stop();
  return said as T;
}

async function firstWord(child: ChildProcess, program: string): Promise<unknown> {
  const failed = once(child, 'exit').then(([code]) => {
    throw new Error(`${program} ended with ${String(code)}`);
  });
  failed.catch(() => undefined);
  const [said] = (await Promise.race([once(child, 'message'), failed])) as [unknown];
  return said;
}
