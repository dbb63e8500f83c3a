import type { ChildProcess } from 'node:child_process';
import { createRequire, syncBuiltinESMExports } from 'node:module';
import { Worker } from 'node:worker_threads';
import { checkpoint } from './marks.ts';
import { stable } from './places.ts';

type Functions = Record<string, (this: unknown, ...args: unknown[]) => unknown>;
type Spawn = (this: unknown, program: string, args: readonly string[], options: object) => ChildProcess;

/** Checkpoints before a child process starts, once it runs and when it has ended; and around the jobs of worker threads. */
export function patchProcesses(): void {
  const processes = createRequire(import.meta.url)('node:child_process') as { spawn: Spawn };
  const { spawn } = processes;
  processes.spawn = function (program, args, options): ChildProcess {
    const name = nameOf(args, options);
    checkpoint(`start ${name}`);
    const child = spawn.call(this, program, args, options);
    child.once('spawn', () => checkpoint(`started ${name}`));
    child.once('exit', () => checkpoint(`ended ${name}`));
    return child;
  };
  syncBuiltinESMExports();
  patchWorkers();
}

function patchWorkers(): void {
  const prototype = Worker.prototype as unknown as Functions;
  const { postMessage, emit } = prototype;
  if (postMessage === undefined || emit === undefined) throw new Error('worker threads are not as they were');
  prototype['postMessage'] = function (...args): void {
    const name = `job ${kindOf(args[0])}`;
    checkpoint(name);
    postMessage.apply(this, args);
    checkpoint(`${name} given`);
  };
  prototype['emit'] = function (...args): unknown {
    if (args[0] === 'message') checkpoint(`job ${kindOf(args[1])}`);
    return emit.apply(this, args);
  };
}

function kindOf(message: unknown): string {
  return typeof message === 'object' && message !== null && 'kind' in message
    ? String(message.kind)
    : 'unknown';
}

/** By the step that a package's program is for. */
function nameOf(args: readonly string[], options: object): string {
  const env = 'env' in options ? (options.env as Readonly<Record<string, string | undefined>>) : {};
  const step = env['SALLYPORT_STEP_ID']?.split('/').at(-1) ?? 'program';
  return stable(
    `${step}: ${args
      .slice(1)
      .filter((arg) => !arg.startsWith('/'))
      .join(' ')}`.trim(),
  );
}
