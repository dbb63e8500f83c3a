import assert from 'node:assert/strict';
import { type ChildProcess, spawn, type StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

/** Types are stripped once, not by every process anew: half of what a short command takes. */
const compileCache = fileURLToPath(new URL('../../../.cache/compile', import.meta.url));
const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));

/** How long anything may take that a test waits for, in milliseconds. Far more than it needs: the machine may be busy. */
export const patienceMs = 60_000;

/** How a command ended. */
export interface Outcome {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Changes to the environment of a process; undefined takes a variable away. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What ends with the test process, whatever ends that. */
const alive = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of alive) child.kill('SIGKILL');
});

/**
 * A temporary folder, and the commands and servers that are run in it, each as its own process. `close` ends every
 * one of them by its process id and removes the folder.
 */
export class World {
  readonly folder: string;
  readonly #ends: (() => Promise<unknown>)[] = [];

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async open(): Promise<World> {
    return new World(await mkdtemp(join(tmpdir(), 'sallyport-e2e-')));
  }

  path(...names: readonly string[]): string {
    return join(this.folder, ...names);
  }

  /** Something to end with this world: last come, first ended. */
  ends(end: () => Promise<unknown>): void {
    this.#ends.push(end);
  }

  /** Runs `sallyport <args>` to its end. */
  async run(args: readonly string[], env: Environment = {}): Promise<Outcome> {
    const child = this.start(args, env);
    assert.ok(child.stdout && child.stderr);
    const limit = setTimeout(() => child.kill('SIGKILL'), patienceMs);
    const [out, err, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'close') as Promise<[number | null]>,
    ]);
    clearTimeout(limit);
    return { code, out, err };
  }

  /** Runs what must end with exit code 0; answers standard output. */
  async done(args: readonly string[], env: Environment = {}): Promise<string> {
    const { code, out, err } = await this.run(args, env);
    assert.equal(code, 0, `sallyport ${args.join(' ')}: ${err || out}`);
    return out;
  }

  /** Runs what must go well with `--json`; answers its document. */
  async json<R>(args: readonly string[], env: Environment = {}): Promise<R> {
    return JSON.parse(await this.done([...args, '--json'], env)) as R;
  }

  /** Runs what must be refused: with that exit code, and a message on standard error that says so. Answers the message. */
  async refused(args: readonly string[], expected: RegExp, code = 1): Promise<string> {
    const outcome = await this.run(args);
    assert.equal(outcome.code, code, `sallyport ${args.join(' ')}: ${outcome.err || outcome.out}`);
    assert.match(outcome.err, expected);
    assert.doesNotMatch(outcome.err, /\n\s+at /, 'a stack trace is no message');
    return outcome.err;
  }

  /** Starts `sallyport <args>`, which stays; resolves once a line of its output matches `ready`. */
  async serve(args: readonly string[], ready: RegExp, env: Environment = {}): Promise<Server> {
    const server = new Server(this.start(args, env), ready);
    this.ends(() => server.stop());
    await server.ready;
    return server;
  }

  /** Starts `sallyport <args>` and does not wait for it. Whoever starts it ends it. */
  launch(args: readonly string[], ready: RegExp, env: Environment = {}): Server {
    return new Server(this.start(args, env), ready);
  }

  /** Starts `sallyport <args>` on standard streams of one's own choice. Whoever starts it ends it. */
  start(args: readonly string[], env: Environment = {}, stdio: StdioOptions = piped): ChildProcess {
    return start(this.folder, args, env, stdio);
  }

  async close(): Promise<void> {
    for (const end of this.#ends.splice(0).toReversed()) await end();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** A command that stays until it is ended. */
export class Server {
  /** The line that said that it is ready. */
  readonly ready: Promise<RegExpMatchArray>;
  /** How it ended. */
  readonly closed: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  readonly #child: ChildProcess;
  readonly #lines: string[] = [];

  constructor(child: ChildProcess, ready: RegExp) {
    this.#child = child;
    this.closed = once(child, 'close').then(([code, signal]) => ({
      code: code as number | null,
      signal: signal as NodeJS.Signals | null,
    }));
    const found = Promise.withResolvers<RegExpMatchArray>();
    for (const stream of [child.stdout, child.stderr]) {
      // It may be a file.
      if (stream === null) continue;
      createInterface(stream).on('line', (line) => {
        this.#lines.push(line);
        const match = ready.exec(line);
        if (match !== null) found.resolve(match);
      });
    }
    child.once('close', (code, signal) =>
      found.reject(new Error(`it ended with ${code ?? signal ?? 'nothing'}:\n${this.output}`)),
    );
    this.ready = found.promise;
    this.ready.catch(() => undefined);
  }

  get pid(): number {
    assert.ok(this.#child.pid !== undefined);
    return this.#child.pid;
  }

  get output(): string {
    return this.#lines.join('\n');
  }

  /** Asks it to end, as an administrator would, and does not wait. */
  terminate(): void {
    this.#child.kill('SIGTERM');
  }

  /** Ends it as an administrator would. Harmless a second time. */
  async stop(): Promise<void> {
    this.terminate();
    const limit = setTimeout(() => this.#child.kill('SIGKILL'), 15_000);
    await this.closed;
    clearTimeout(limit);
  }

  /** `kill -9`. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.closed;
  }
}

/** For a server whose clock is so much ahead of everybody's. */
export function clockMovedBy(ms: number): Environment {
  return {
    NODE_OPTIONS: `--import=${new URL('shifted-clock.ts', import.meta.url).href}`,
    CLOCK_SHIFT_MS: String(ms),
  };
}

/** Asks again and again until there is an answer: each question is a process of its own, so none needs a pause. */
export async function until<T>(what: string, ask: () => Promise<T | undefined>): Promise<T> {
  const deadline = performance.now() + patienceMs;
  while (performance.now() < deadline) {
    const answer = await ask();
    if (answer !== undefined) return answer;
  }
  throw new Error(`waited in vain: ${what}`);
}

const piped: StdioOptions = ['ignore', 'pipe', 'pipe'];

function start(folder: string, args: readonly string[], env: Environment, stdio: StdioOptions): ChildProcess {
  const { NODE_TEST_CONTEXT: _, ...inherited } = process.env;
  const merged = {
    ...inherited,
    NODE_COMPILE_CACHE: compileCache,
    SALLYPORT_PASSPHRASE: 'correct horse',
    ...env,
  };
  const child = spawn(process.execPath, [main, ...args], {
    cwd: folder,
    stdio,
    env: Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== undefined)),
  });
  alive.add(child);
  child.once('close', () => alive.delete(child));
  return child;
}
