import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const mainModule = fileURLToPath(new URL('../main.ts', import.meta.url));

/** A command of the demonstration ended badly, or a server ended at all. */
export class DemoError extends Error {}

export interface RunOptions {
  readonly quiet?: boolean;
  /** A program, with its arguments, that starts the command as it is told to: `unshare --net`. */
  readonly within?: readonly string[];
}

/**
 * Runs the same commands a person would type, each as its own process, and ends all of them with
 * the demonstration.
 */
export class Stage {
  readonly #servers = new Map<string, ChildProcess>();
  readonly #failed = Promise.withResolvers<never>();
  readonly #startedAtMs = performance.now();
  #closing = false;

  constructor() {
    // Whoever waits for it hears of it; nobody waiting is no crash.
    this.#failed.promise.catch(() => undefined);
  }

  /** A headline of the story, with the time since it began. */
  say(text: string): void {
    const seconds = ((performance.now() - this.#startedAtMs) / 1_000).toFixed(1).padStart(6);
    process.stdout.write(`\n[${seconds} s] ${text}\n`);
  }

  /** Runs `sallyport <args>` to its end, showing command and output; answers standard output. @throws {DemoError} */
  async run(args: readonly string[], options: RunOptions = {}): Promise<string> {
    if (!options.quiet) process.stdout.write(`  $ sallyport ${args.map(quoted).join(' ')}\n`);
    const child = start(args, options.within);
    let output = '';
    const show = (line: string): void => {
      if (!options.quiet) process.stdout.write(`    ${line}\n`);
    };
    createInterface(child.stdout).on('line', (line) => {
      output += `${line}\n`;
      show(line);
    });
    let complaint = '';
    createInterface(child.stderr).on('line', (line) => {
      complaint += `${line}\n`;
      show(line);
    });
    const [code, signal] = (await Promise.race([once(child, 'close'), this.#failed.promise])) as [
      number | null,
      string | null,
    ];
    if (code !== 0) {
      throw new DemoError(
        `"sallyport ${args.join(' ')}" ended with ${signal ?? `exit code ${code}`}:\n${complaint || output}`,
      );
    }
    return output;
  }

  /** Starts `sallyport <args>` as a server; resolves with the first match of `ready` in its output. @throws {DemoError} when it ends before */
  async serve(
    name: string,
    args: readonly string[],
    ready: RegExp,
    { within }: Pick<RunOptions, 'within'> = {},
  ): Promise<RegExpMatchArray> {
    process.stdout.write(`  $ sallyport ${args.map(quoted).join(' ')} &\n`);
    const child = start(args, within);
    this.#servers.set(name, child);
    const found = Promise.withResolvers<RegExpMatchArray>();
    const tail: string[] = [];
    for (const stream of [child.stdout, child.stderr]) {
      createInterface(stream).on('line', (line) => {
        tail.push(line);
        if (tail.length > 20) tail.shift();
        const match = ready.exec(line);
        if (match) found.resolve(match);
      });
    }
    child.once('close', (code, signal) => {
      if (this.#closing) return;
      const error = new DemoError(`${name} ended with ${signal ?? `exit code ${code}`}:\n${tail.join('\n')}`);
      found.reject(error);
      this.#failed.reject(error);
    });
    const match = await found.promise;
    process.stdout.write(`    ${match[0]} (process ${child.pid})\n`);
    return match;
  }

  /** Resolves never; rejects when a server ends by itself. */
  get failure(): Promise<never> {
    return this.#failed.promise;
  }

  /** Ends every server in reverse order of starting, by its process id. */
  async close(): Promise<void> {
    this.#closing = true;
    for (const child of [...this.#servers.values()].toReversed()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const closed = once(child, 'close');
      child.kill('SIGTERM');
      const limit = setTimeout(() => child.kill('SIGKILL'), 15_000);
      await closed;
      clearTimeout(limit);
    }
    this.#servers.clear();
  }
}

function start(args: readonly string[], within: readonly string[] = []) {
  const [program = process.execPath, ...rest] = [...within, process.execPath, mainModule, ...args];
  return spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe'] });
}

/** As a shell takes it; long secrets are cut, for they are of use once only. */
function quoted(word: string): string {
  if (word.startsWith('sallyport-join-')) return `${word.slice(0, 24)}…`;
  return /^[\w./:=,@+-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
