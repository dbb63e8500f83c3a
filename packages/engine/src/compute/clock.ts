import type { Clock } from '../ports/clock.ts';

/** The longest delay of a timer; longer ones would end at once. */
const timerMaxMs = 2 ** 31 - 1;
/** Machines sleep and clocks are set: whoever waits for a time of day reads it again at least this often. */
const longestLookMs = 60_000;

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: async (ms, signal) => {
    for (let left = Math.max(0, ms); ; left -= timerMaxMs) {
      await timer(Math.min(left, timerMaxMs), signal);
      if (left <= timerMaxMs) {
        return;
      }
    }
  },
  until: async (at, signal) => {
    signal.throwIfAborted();
    for (let before = Date.now(); ;) {
      const now = Date.now();
      if (now < before || (at !== undefined && now >= at)) return;
      before = now;
      await timer(Math.min(longestLookMs, at === undefined ? longestLookMs : at - now), signal);
    }
  },
};

async function timer(ms: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const end = (): void => reject(signal.reason as Error);
  const running = setTimeout(resolve, ms);
  signal.addEventListener('abort', end, { once: true });
  try {
    await promise;
  } finally {
    clearTimeout(running);
    signal.removeEventListener('abort', end);
  }
}
