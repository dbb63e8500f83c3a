import type { Clock } from '../src/ports/clock.ts';

/** A clock that stands still until a test moves it. */
export class ManualClock implements Clock {
  #now: number;
  readonly #sleepers = new Set<{ readonly until: number; readonly wake: () => void }>();
  readonly #watchers = new Set<{ readonly count: number; readonly resolve: () => void }>();

  constructor(now = Date.UTC(2026, 0, 1)) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const sleeper = { until: this.#now + ms, wake: resolve };
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

  /** Moves the time, waking those whose time has come, earliest first. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      const next = [...this.#sleepers]
        .filter((sleeper) => sleeper.until <= end)
        .toSorted((a, b) => a.until - b.until)[0];
      if (next === undefined) {
        break;
      }
      this.#now = Math.max(this.#now, next.until);
      this.#sleepers.delete(next);
      next.wake();
      // Whoever was woken may sleep again before the end of this step.
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.#now = end;
  }
}
