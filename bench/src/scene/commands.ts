import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';

const main = join(import.meta.dirname, '../../../apps/sallyport/src/main.ts');

/** The commands that ship, each a process. */
export class Commands {
  readonly #signal: AbortSignal;
  readonly #servers: ChildProcess[] = [];

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  /** Runs one to its end; answers what it printed. @throws {Error} when it fails */
  async run(...args: readonly string[]): Promise<string> {
    const child = this.#start(args);
    if (child.stdout === null || child.stderr === null) throw new TypeError('its output is not caught');
    const [out, err, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'close') as Promise<[number | null]>,
    ]);
    if (code !== 0) throw new Error(`sallyport ${args.join(' ')} ended with ${String(code)}: ${err || out}`);
    return out.trim();
  }

  /** Starts one that stays; resolves to what matches `ready` in the line that says so. */
  async serve(ready: RegExp, ...args: readonly string[]): Promise<string> {
    const child = this.#start(args);
    this.#servers.push(child);
    if (child.stdout === null) throw new TypeError('its output is not caught');
    child.stderr?.resume();
    for await (const line of createInterface(child.stdout)) {
      const found = ready.exec(line);
      if (found !== null) {
        child.stdout.resume();
        return found[1] ?? found[0];
      }
    }
    throw new Error(`sallyport ${args.join(' ')} ended before it was ready`);
  }

  /** Ends those that stay, the last first. */
  async close(): Promise<void> {
    for (const child of this.#servers.toReversed()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = once(child, 'close');
      child.kill('SIGTERM');
      await ended;
    }
  }

  #start(args: readonly string[]): ChildProcess {
    return spawn(process.execPath, [main, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      signal: this.#signal,
      env: { ...process.env, SALLYPORT_PASSPHRASE: 'a benchmark keeps no secrets' },
    });
  }
}
