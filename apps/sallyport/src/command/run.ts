import process from 'node:process';
import { messageOf, SallyportError } from '@sallyport/core/shared/errors';
import { fileFailureText } from '@sallyport/core/shared/file-failure';
import type { Command } from 'commander';
import { plain } from '../output/table.ts';

/** What a command ends with, for scripts. */
export const exitCodes = {
  done: 0,
  /** Refused or failed: the message says why. */
  failed: 1,
  usage: 2,
  /** No site server answers for the data folder. */
  noServer: 3,
  /** Still under way when the waiting ended. */
  unfinished: 4,
} as const;

const commandGraceMs = 5_000;
/** A server ends its components one after the other, each within a limit of its own. */
export const serverGraceMs = 120_000;

/** Errors that end with another code than "failed". */
const exitCodeOfError: Readonly<Record<string, number>> = {
  NO_SERVER: exitCodes.noServer,
  BAD_ANSWERS: exitCodes.usage,
};

/**
 * Runs a command's work: what goes wrong is told once, on standard error (and as JSON on standard output with
 * `--json`), with the exit code that fits. Ctrl-C and SIGTERM cancel the work; what does not end by that within
 * `graceMs` is ended by the signal itself, which no work here minds: a pipe that nobody writes to never lets go.
 */
export async function runCommand(
  json: boolean,
  work: (signal: AbortSignal) => Promise<void>,
  graceMs = commandGraceMs,
): Promise<void> {
  const ending = new AbortController();
  let giveUp: NodeJS.Timeout | undefined;
  const end = (signal: NodeJS.Signals): void => {
    ending.abort(new Error('cancelled'));
    // The default action of the signal: nothing listens for it any more.
    giveUp = setTimeout(() => process.kill(process.pid, signal), graceMs).unref();
  };
  process.once('SIGINT', end);
  process.once('SIGTERM', end);
  try {
    await work(ending.signal);
  } catch (error) {
    process.exitCode =
      (error instanceof SallyportError ? exitCodeOfError[error.code] : undefined) ?? exitCodes.failed;
    process.stderr.write(`sallyport: ${textOf(error)}\n`);
    if (process.env['SALLYPORT_DEBUG'] !== undefined && error instanceof Error) {
      process.stderr.write(`${error.stack ?? ''}\n`);
    }
    if (json) printJson({ error: errorJson(error) });
  } finally {
    clearTimeout(giveUp);
    process.off('SIGINT', end);
    process.off('SIGTERM', end);
  }
}

/** One JSON document on standard output. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, undefined, 2)}\n`);
}

export function printLine(text = ''): void {
  process.stdout.write(`${text}\n`);
}

/** Wrong usage ends with exit code 2, help with 0, for this command and those below it. */
export function exitTwoOnUsage(command: Command): Command {
  command.exitOverride((error) => process.exit(error.exitCode === 0 ? exitCodes.done : exitCodes.usage));
  for (const child of command.commands) exitTwoOnUsage(child);
  return command;
}

/** What a person is told: never a bare word of the operating system, also where nobody expected it to say one. */
function textOf(error: unknown): string {
  const text = error instanceof SallyportError ? error.message : (fileFailureText(error) ?? messageOf(error));
  // Names of files and words of other machines are in it, and must not drive the terminal.
  return text.split('\n').map(plain).join('\n');
}

/** An error that has `problems` tells each of them apart. */
function errorJson(error: unknown): unknown {
  if (!(error instanceof SallyportError)) return { code: 'FAILED', message: textOf(error) };
  const { code, message, details } = error;
  return { code, message, details, ...('problems' in error ? { problems: error.problems } : {}) };
}
