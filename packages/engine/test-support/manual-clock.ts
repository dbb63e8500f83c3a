import type { Clock } from '../src/ports/clock.ts';

interface Sleeper {
  /** By the time that passes, whatever the clock is set to. */
  readonly elapsed?: number;
  /** By the time of day. */
  readonly at?: number;
  readonly wake: () => void;
  /** Wakes it also when the clock is set back. */
  readonly minds: boolean;
}

/** A clock that stands still until a test moves it. */
export class ManualClock implements Clock {
  #now: number;
  /** Runs on whatever the time of day is set to: sleeps are measured by it. */
  #elapsed = 0;
  readonly #sleepers = new Set<Sleeper>();
  readonly #watchers = new Set<{ readonly count: number; readonly resolve: () => void }>();

  constructor(now = Date.UTC(2026, 0, 1)) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return this.#wait({ elapsed: this.#elapsed + ms, minds: false }, signal);
  }

  async until(at: number | undefined, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (at !== undefined && at <= this.#now) return;
    await this.#wait({ ...(at === undefined ? {} : { at }), minds: true }, signal);
  }

  /** How many sleep now. */
  get sleeperCount(): number {
    return this.#sleepers.size;
  }

  /** Resolves as soon as at least `count` sleep. */
  async sleeping(count = 1): Promise<void> {
    if (this.#sleepers.size < count) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#watchers.add({ count, resolve });
      await promise;
    }
  }

  /** Moves the time, waking those whose time has come, earliest first; then lets everything go on. */
  async advance(ms: number): Promise<void> {
    const end = this.#elapsed + ms;
    for (;;) {
      const next = [...this.#sleepers]
        .map((sleeper) => ({ sleeper, left: this.#left(sleeper) }))
        .filter(({ left }) => this.#elapsed + left <= end)
        .toSorted((a, b) => a.left - b.left)[0];
      if (next === undefined) break;
      this.#pass(Math.max(0, next.left));
      this.#sleepers.delete(next.sleeper);
      next.sleeper.wake();
      // Whoever was woken may sleep again before the end of this step.
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.#pass(end - this.#elapsed);
    await this.settle();
  }

  /** Moves the time at once, as for a machine that slept: whoever was to wake meanwhile wakes after it. */
  async jump(ms: number): Promise<void> {
    this.#pass(ms);
    const due = [...this.#sleepers].filter((sleeper) => this.#left(sleeper) <= 0);
    for (const sleeper of due) sleeper.wake();
    await this.settle();
  }

  /** Sets the time of day, as somebody does who sets a machine's clock; whoever waits for a time of day looks again. */
  set(now: number): void {
    const isBack = now < this.#now;
    this.#now = now;
    for (const sleeper of this.#sleepers) {
      if (sleeper.minds && (isBack || this.#left(sleeper) <= 0)) sleeper.wake();
    }
  }

  /** Lets everything go on that does not wait for the time. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 50; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve));
  }

  #left({ elapsed, at }: Sleeper): number {
    return Math.min(
      elapsed === undefined ? Infinity : elapsed - this.#elapsed,
      at === undefined ? Infinity : at - this.#now,
    );
  }

  #pass(ms: number): void {
    this.#now += ms;
    this.#elapsed += ms;
  }

  async #wait(until: Omit<Sleeper, 'wake'>, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const sleeper = { ...until, wake: resolve };
    const end = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', end, { once: true });
    this.#sleepers.add(sleeper);
    for (const watcher of this.#watchers) {
      if (this.#sleepers.size >= watcher.count) {
        this.#watchers.delete(watcher);
        watcher.resolve();
      }
    }
    try {
      await promise;
    } finally {
      this.#sleepers.delete(sleeper);
      signal.removeEventListener('abort', end);
    }
  }
}
