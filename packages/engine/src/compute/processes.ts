import { spawn, type ChildProcess } from 'node:child_process';
import { statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '@sallyport/core/shared/errors';
import type { ProcessCommand, Processes, ProcessResult } from '../ports/process.ts';
import { BoundedOutput } from './bounded-output.ts';
import { endFamily, type ProcessFamily } from './process-family.ts';
import { giveFolder, mayChangeUser, nobody, unreachable, type UnprivilegedUser } from './unprivileged.ts';

export interface ChildProcessesOptions {
  /**
   * Names this server among all on the machine, and stays the same over restarts: the path of its data folder.
   * Only programs with this mark are ever taken for leftovers.
   */
  readonly owner: string;
  /** Whom `unprivileged` programs run as when this process is root; default `nobody` (65534). */
  readonly unprivilegedUser?: UnprivilegedUser;
  /** Refuse, instead of running with own rights, when that user cannot reach what the program needs. Default false. */
  readonly strictRights?: boolean;
  /** Between SIGTERM and SIGKILL. Default 5 s. */
  readonly graceMs?: number;
  /** The search path that programs get; default: that of this process. */
  readonly searchPath?: string;
}

/** How long output may still arrive after the program ended: a stranger that holds the pipe must not hold us. */
const drainMs = 2_000;
/** How long the end of a killed program is waited for: one stuck in the kernel never tells. */
const reapMs = 10_000;
/** The longest that Node's timers can count. */
const timerMaxMs = 2 ** 31 - 1;

/** Programs as child processes of this one. */
export class ChildProcesses implements Processes {
  readonly #options: ChildProcessesOptions;
  readonly #graceMs: number;

  constructor(options: ChildProcessesOptions) {
    this.#options = options;
    this.#graceMs = options.graceMs ?? 5_000;
  }

  async run(command: ProcessCommand, signal: AbortSignal): Promise<ProcessResult> {
    signal.throwIfAborted();
    const begun = performance.now();
    const refused = (startError: string): ProcessResult => notStarted(startError, performance.now() - begun);

    const env = this.#environment(command.env);
    const marks = marksOf(env);
    if (marks.length > 0) await endFamily({ marks }, this.#graceMs);
    if (!isFolder(command.cwd)) return refused(`the working folder ${command.cwd} is missing`);

    let rights: Rights;
    try {
      rights = await this.#rights(command);
    } catch (failure) {
      return refused(messageOf(failure));
    }
    const started = await start(command, env, rights.user);
    if ('startError' in started) return refused(started.startError);
    const outcome = await this.#attend(started.child, { leader: started.pid, marks }, command, signal);
    signal.throwIfAborted();
    return {
      ...outcome,
      elapsedMs: Math.round(performance.now() - begun),
      ...(rights.note === undefined ? {} : { rightsNote: rights.note }),
    };
  }

  /** Follows the child to its end, and ends its family with it. */
  async #attend(
    child: ChildProcess,
    family: ProcessFamily,
    command: ProcessCommand,
    signal: AbortSignal,
  ): Promise<Omit<ProcessResult, 'elapsedMs'>> {
    const stdout = new BoundedOutput(command.outputMaxBytes);
    const stderr = new BoundedOutput(command.outputMaxBytes);
    child.stdout?.on('data', (chunk: Buffer) => stdout.add(chunk));
    child.stderr?.on('data', (chunk: Buffer) => stderr.add(chunk));
    const exited = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
      child.once('exit', (code, by) => resolve({ code, signal: by }));
    });
    const closed = new Promise<void>((resolve) => {
      child.once('close', () => resolve());
    });

    const why = await whichever(exited, command.timeoutMs, signal);
    // Also after a good end: what it left running would hold its files and its pipes.
    await endFamily(family, this.#graceMs);
    const exit = await Promise.race([exited, lost()]);
    await atMost(closed, drainMs);
    child.stdout?.destroy();
    child.stderr?.destroy();
    return {
      exitCode: exit.code,
      signal: exit.signal,
      timedOut: why === 'timed-out',
      stdout: stdout.text(),
      stderr: stderr.text(),
      droppedBytes: stdout.droppedBytes + stderr.droppedBytes,
    };
  }

  #environment(given: Readonly<Record<string, string>>): Record<string, string> {
    const env: Record<string, string> = {
      PATH: this.#options.searchPath ?? process.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin',
      LANG: process.env['LANG'] ?? 'C.UTF-8',
    };
    if (process.platform === 'win32') {
      for (const name of ['SystemRoot', 'SystemDrive', 'ComSpec', 'PATHEXT', 'TEMP', 'TMP']) {
        const value = process.env[name];
        if (value !== undefined) env[name] = value;
      }
    }
    return { ...env, ...given, SALLYPORT_OWNER: this.#options.owner };
  }

  async #rights(command: ProcessCommand): Promise<Rights> {
    if (!command.unprivileged || !mayChangeUser()) return {};
    const user = this.#options.unprivilegedUser ?? nobody;
    const program = command.argv.slice(0, 1);
    const needs = [...program, command.cwd, ...(command.reads ?? [])];
    const writes = command.writes === undefined ? [] : [command.writes];
    if (command.writes !== undefined) await giveFolder(user, command.writes);
    const obstacle = await unreachable(user, [...needs, ...writes]);
    if (obstacle === undefined) return { user };
    if (this.#options.strictRights === true) {
      throw new Error(
        `${obstacle}: open that folder to others (chmod o+x) or run the server as another user`,
      );
    }
    return { note: obstacle };
  }
}

interface Rights {
  readonly user?: UnprivilegedUser;
  readonly note?: string;
}

/** What marks a process of one piece of work; nothing when the work has no name. */
function marksOf(env: Readonly<Record<string, string>>): readonly string[] {
  const stepId = env['SALLYPORT_STEP_ID'];
  if (stepId === undefined) return [];
  return [`SALLYPORT_STEP_ID=${stepId}`, `SALLYPORT_OWNER=${env['SALLYPORT_OWNER'] ?? ''}`];
}

/** Resolves when the child runs, or cannot be started. */
async function start(
  command: ProcessCommand,
  env: Readonly<Record<string, string>>,
  user: UnprivilegedUser | undefined,
): Promise<{ readonly child: ChildProcess; readonly pid: number } | { readonly startError: string }> {
  const [program, ...rest] = command.argv;
  if (program === undefined)
    return { startError: 'there is no program to run: the argument vector is empty' };
  try {
    const child = spawn(program, rest, {
      cwd: command.cwd,
      env,
      detached: process.platform !== 'win32',
      stdio: ['ignore', 'pipe', 'pipe'],
      windowsHide: true,
      ...user,
    });
    return await new Promise((resolve) => {
      child.once('spawn', () => resolve({ child, pid: child.pid ?? 0 }));
      // Stays attached: a later failure to signal the child is no reason to fall.
      child.on('error', (failure) => resolve({ startError: failure.message }));
    });
  } catch (failure) {
    return { startError: messageOf(failure) };
  }
}

function notStarted(startError: string, elapsedMs: number): ProcessResult {
  return {
    exitCode: null,
    signal: null,
    timedOut: false,
    startError,
    stdout: '',
    stderr: '',
    droppedBytes: 0,
    elapsedMs: Math.round(elapsedMs),
  };
}

/** Which came first: the end of the program, the limit, or the wish to stop. */
async function whichever(
  exited: Promise<unknown>,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<'exited' | 'timed-out' | 'aborted'> {
  const waiting = new AbortController();
  const limit = sleep(Math.min(timeoutMs, timerMaxMs), 'timed-out' as const, {
    signal: AbortSignal.any([waiting.signal, signal]),
  }).catch(() => 'aborted' as const);
  try {
    return await Promise.race([exited.then(() => 'exited' as const), limit]);
  } finally {
    waiting.abort();
  }
}

async function lost(): Promise<{ readonly code: null; readonly signal: null }> {
  await sleep(reapMs, undefined, { ref: false });
  return { code: null, signal: null };
}

async function atMost(awaited: Promise<void>, ms: number): Promise<void> {
  const waiting = new AbortController();
  await Promise.race([awaited, sleep(ms, undefined, { signal: waiting.signal }).catch(() => undefined)]);
  waiting.abort();
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
