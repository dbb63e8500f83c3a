import type { EpochMs } from '@sallyport/core/shared/ids';
import { minutes } from '@sallyport/core/shared/units';
import type { Clock } from '@sallyport/engine/ports/clock';
import type { Life } from './life.ts';
import type { Timeline } from './timeline.ts';

interface Waiter {
  readonly at: EpochMs | undefined;
  readonly resolve: () => void;
  cancel: () => void;
}

/** The clock of one machine: it is off by some time, and people set it. Sleeps are measured by true time. */
export class MachineClock {
  readonly #timeline: Timeline;
  readonly #waiters = new Set<Waiter>();
  #offsetMs: number;

  constructor(timeline: Timeline, offsetMs = 0) {
    this.#timeline = timeline;
    this.#offsetMs = offsetMs;
  }

  now(): EpochMs {
    return this.#timeline.now() + this.#offsetMs;
  }

  get offsetMs(): number {
    return this.#offsetMs;
  }

  /** Somebody sets it. Whoever waits for a time of day notices within a minute. */
  set(offsetMs: number): void {
    const isBack = offsetMs < this.#offsetMs;
    this.#offsetMs = offsetMs;
    for (const waiter of this.#waiters) {
      waiter.cancel();
      if (isBack) waiter.cancel = this.#timeline.after(minutes(1), waiter.resolve);
      else this.#plan(waiter);
    }
  }

  /** The clock as one process has it: its timers are gone when it ends. */
  of(life: Life): Clock {
    return {
      now: () => this.now(),
      sleep: (ms, signal) => this.#wait(life, signal, (resolve) => this.#timeline.after(ms, resolve)),
      until: (at, signal) =>
        this.#wait(life, signal, (resolve) => {
          const waiter: Waiter = { at, resolve, cancel: () => undefined };
          this.#waiters.add(waiter);
          this.#plan(waiter);
          return () => {
            this.#waiters.delete(waiter);
            waiter.cancel();
          };
        }),
    };
  }

  #plan(waiter: Waiter): void {
    waiter.cancel =
      waiter.at === undefined
        ? () => undefined
        : this.#timeline.at(waiter.at - this.#offsetMs, waiter.resolve);
  }

  async #wait(life: Life, signal: AbortSignal, begin: (resolve: () => void) => () => void): Promise<void> {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const cancel = begin(() => {
      if (!life.isOver) resolve();
    });
    const aborted = (): void => {
      if (!life.isOver) reject(signal.reason as Error);
    };
    const forget = life.onEnd(cancel);
    signal.addEventListener('abort', aborted, { once: true });
    try {
      await promise;
    } finally {
      cancel();
      forget();
      signal.removeEventListener('abort', aborted);
    }
  }
}
