import process from 'node:process';
import { fileFailureOf } from '@sallyport/core/shared/file-failure';
import { messageOf } from '@sallyport/core/shared/errors';

/** What a shell gives a program that SIGPIPE ended: `set -o pipefail` and scripts know it. */
const readerGone = 141;

/**
 * What becomes of a process whose standard output or standard error cannot be written.
 *
 * A command does its work to the end. If its reader has gone (`| head`), it then ends quietly with 141; if the words
 * could not be written (the disk is full), it says so on standard error and ends with 1. A command that has failed
 * keeps its own exit code. A server goes on, and its later lines are tried again. Nobody can be told that standard
 * error fails: it changes nothing.
 */
class StandardOutput {
  readonly #lost = new AbortController();
  #failure: Error | undefined;
  #afterwards: string | undefined;
  #tellAtOnce: ((text: string) => void) | undefined;

  /** Aborted once standard output fails: there is no use in a command that only shows what happens. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** Before anything is printed. */
  guard(): void {
    // Without listeners, Node ends the process, in the middle of whatever it does.
    process.stdout.on('error', (failure) => this.#fail(failure));
    process.stderr.on('error', () => undefined);
    process.on('exit', (code) => this.#end(code));
  }

  /**
   * This process is a server: it outlives its terminal, its pipe and the disk of its log.
   *
   * @param tell hears once why standard output cannot be written
   */
  serve(tell: (text: string) => void): void {
    this.#tellAtOnce = tell;
    process.on('SIGHUP', () => undefined);
  }

  /** What is to be done about something that is shown once, should it not have been shown. Said before it is printed. */
  ifNotShown(text: string): void {
    this.#afterwards = text;
  }

  #fail(failure: Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = failure;
    this.#tellAtOnce?.(`${reasonOf(failure)}; the server goes on without it`);
    this.#lost.abort(failure);
  }

  #end(code: number): void {
    // Whoever prints and ends at once leaves no time for the event.
    const failure = this.#failure ?? process.stdout.errored;
    if (failure === null || this.#tellAtOnce !== undefined) return;
    const hasReaderGone = isBrokenPipe(failure);
    if (code === 0) process.exitCode = hasReaderGone ? readerGone : 1;
    if (hasReaderGone && this.#afterwards === undefined) return;
    const remedy = hasReaderGone ? '' : ': free the disk it goes to, or send it elsewhere';
    const afterwards =
      this.#afterwards ?? (code === 0 ? 'what was asked for is done, only its answer is lost' : undefined);
    process.stderr.write(
      `sallyport: ${reasonOf(failure)}${remedy}${afterwards === undefined ? '' : `; ${afterwards}`}\n`,
    );
  }
}

/** This process's own. */
export const standardOutput = new StandardOutput();

function reasonOf(failure: Error): string {
  if (isBrokenPipe(failure)) return 'standard output cannot be written (EPIPE: its reader has gone)';
  const meaning = fileFailureOf(failure);
  const cause = meaning === undefined ? messageOf(failure) : `${meaning.errno}: ${meaning.cause}`;
  return `standard output cannot be written (${cause})`;
}

function isBrokenPipe(failure: Error): boolean {
  return 'code' in failure && failure.code === 'EPIPE';
}
