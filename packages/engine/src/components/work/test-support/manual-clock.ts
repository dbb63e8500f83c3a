import type { Clock } from '../../../ports/clock.ts';
import type { Log } from '../../../ports/log.ts';
import type { Random } from '../../../ports/random.ts';

/** A clock that stands still until a test moves it. */
export class ManualClock implements Clock {
  #now: number;
  /** Runs on whatever the time of day is set to: sleeps are measured by it. */
  #elapsed = 0;
  readonly #sleepers = new Set<{ readonly at: number; readonly wake: () => void }>();

  constructor(now: number) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const sleeper = { at: this.#elapsed + ms, wake: resolve };
    const end = (): void => reject(signal.reason as Error);
    this.#sleepers.add(sleeper);
    signal.addEventListener('abort', end, { once: true });
    try {
      await promise;
    } finally {
      this.#sleepers.delete(sleeper);
      signal.removeEventListener('abort', end);
    }
  }

  /** Moves the time and lets everything that was due go on until it waits again. */
  async advance(ms: number): Promise<void> {
    this.#now += ms;
    this.#elapsed += ms;
    for (const sleeper of this.#sleepers) {
      if (sleeper.at <= this.#elapsed) sleeper.wake();
    }
    await this.settle();
  }

  /** Sets the time without waking anybody, as somebody does who sets a machine's clock. */
  set(now: number): void {
    this.#now = now;
  }

  /** Lets everything go on that does not wait for the time. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 50; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

/** Chance that is always the same. */
export function fixedRandom(fraction: number): Random {
  let count = 0;
  return {
    fraction: () => fraction,
    bytes: (size) => new Uint8Array(size),
    uuid: () => `00000000-0000-4000-8000-${String((count += 1)).padStart(12, '0')}`,
  };
}

export const quietLog: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

/** A log that keeps its lines, fields filled in. */
export class KeptLog implements Log {
  readonly lines: string[] = [];
  debug(): void {}
  info(message: string, fields: Readonly<Record<string, unknown>> = {}): void {
    this.#keep('info', message, fields);
  }
  warn(message: string, fields: Readonly<Record<string, unknown>> = {}): void {
    this.#keep('warn', message, fields);
  }
  error(message: string, fields: Readonly<Record<string, unknown>> = {}): void {
    this.#keep('error', message, fields);
  }
  #keep(level: string, message: string, fields: Readonly<Record<string, unknown>>): void {
    this.lines.push(
      `${level} ${message.replaceAll(/\{(\w+)\}/g, (_, name: string) => String(fields[name]))}`,
    );
  }
}
