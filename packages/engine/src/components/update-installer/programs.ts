import { type CommandPlaces, fillCommand } from '@sallyport/core/domain/updates/install-steps';
import type { Command } from '@sallyport/core/domain/updates/package';
import { formatDuration } from '@sallyport/core/shared/units';
import type { Log } from '../../ports/log.ts';
import type { Processes, ProcessResult } from '../../ports/process.ts';

/** A program of a package and where it runs. */
export interface PackageProgram {
  /** For the log: `Hook migrate`. */
  readonly label: string;
  readonly command: Command;
  /** Names the piece of work over repeats and restarts; the program gets it as `SALLYPORT_STEP_ID`. */
  readonly stepId: string;
  readonly places: CommandPlaces & { readonly data: string };
  readonly privileged: boolean;
}

export interface ProgramOutcome {
  /** It ended by itself, in time, with exit code 0. */
  readonly ok: boolean;
  /** How it ended, as a clause: `ended with exit code 3`. */
  readonly ending: string;
  readonly exitCode: number | null;
  readonly timedOut: boolean;
  readonly startError?: string;
  readonly stdout: string;
  /** The end of both outputs, short enough for an event and without control characters. */
  readonly outputTail: string;
}

const defaultOutputMaxBytes = 64 * 1024;
/** Of each output, in an event. Events replicate. */
const tailMaxLength = 1_500;

/** Runs the programs that packages bring: hooks, checks, health checks. Their output goes to the component's log. */
export class PackagePrograms {
  readonly #processes: Processes;
  readonly #log: Log;
  readonly #outputMaxBytes: number;

  constructor(options: {
    readonly processes: Processes;
    readonly log: Log;
    readonly outputMaxBytes?: number;
  }) {
    this.#processes = options.processes;
    this.#log = options.log;
    this.#outputMaxBytes = options.outputMaxBytes ?? defaultOutputMaxBytes;
  }

  /** Rejects only when the signal is aborted. */
  async run(program: PackageProgram, signal: AbortSignal): Promise<ProgramOutcome> {
    const { label, command, places } = program;
    const filled = fillCommand(command.run, places);
    if (filled.kind === 'no-place') {
      return neverRan(`uses ${filled.placeholder}, which does not exist at this point`);
    }
    const reads = [places.node, places.release, places.previousRelease].filter(
      (place) => place !== undefined,
    );
    const result = await this.#processes.run(
      {
        argv: filled.argv,
        // Its own folder: what it drops there goes away with it.
        cwd: places.data,
        env: { SALLYPORT_STEP_ID: program.stepId, HOME: places.data, TMPDIR: places.data },
        timeoutMs: command.timeoutMs,
        outputMaxBytes: this.#outputMaxBytes,
        unprivileged: !program.privileged,
        reads,
        writes: places.data,
      },
      signal,
    );
    this.#report(label, result);
    return {
      ok: result.exitCode === 0 && !result.timedOut,
      ending: endingOf(result, command.timeoutMs),
      exitCode: result.exitCode,
      timedOut: result.timedOut,
      ...(result.startError === undefined ? {} : { startError: result.startError }),
      stdout: result.stdout,
      outputTail: tailOf(result),
    };
  }

  #report(label: string, result: ProcessResult): void {
    const { rightsNote, stdout, stderr, droppedBytes } = result;
    if (rightsNote !== undefined) {
      this.#log.warn('{program} ran with the rights of the site server: {reason}', {
        program: label,
        reason: rightsNote,
      });
    }
    for (const [stream, text] of [
      ['standard output', stdout],
      ['standard error', stderr],
    ] as const) {
      const shown = printable(text).trimEnd();
      if (shown !== '')
        this.#log.info('{program} printed on {stream}: {output}', {
          program: label,
          stream,
          output: shown,
          droppedBytes,
        });
    }
  }
}

function neverRan(why: string): ProgramOutcome {
  return {
    ok: false,
    ending: `could not be started: it ${why}`,
    exitCode: null,
    timedOut: false,
    startError: `it ${why}`,
    stdout: '',
    outputTail: '',
  };
}

function endingOf(result: ProcessResult, timeoutMs: number): string {
  if (result.startError !== undefined) return `could not be started: ${result.startError}`;
  if (result.timedOut) return `did not end within ${formatDuration(timeoutMs)} and was ended`;
  if (result.exitCode !== null) return `ended with exit code ${result.exitCode}`;
  return `was ended by ${result.signal ?? 'an unknown signal'}`;
}

function tailOf({ stdout, stderr }: ProcessResult): string {
  return [stdout, stderr]
    .map((text) => printable(text).trim().slice(-tailMaxLength))
    .filter((text) => text !== '')
    .join('\n');
}

/** Lines stay lines; what would move a terminal's cursor, or end a text early, does not get through. */
function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex -- finding them is the point
  return text.replaceAll('\r\n', '\n').replaceAll(/[\u0000-\u0008\u000B-\u001F\u007F-\u009F]/g, '\uFFFD');
}
