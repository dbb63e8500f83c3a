import process from 'node:process';
import { systemClock } from '@sallyport/engine/compute/clock';

const rate = Number(process.env['CLOCK_RATE'] ?? '1');
const startedAt = Number(process.env['CLOCK_STARTED_AT'] ?? '0');

/**
 * Lets the clocks of all processes with the same two variables run so many times as fast, from that moment on: delays
 * between tries, which grow with every death of a neighbour, then cost a test little.
 */
export function dilateTime(): void {
  if (rate === 1) return;
  const realNow = Date.now.bind(Date);
  const realSleep = systemClock.sleep.bind(systemClock);
  Date.now = () => Math.round(startedAt + (realNow() - startedAt) * rate);
  Object.assign(systemClock, {
    sleep: (ms: number, signal: AbortSignal) => realSleep(ms / rate, signal),
    until: async (at: number | undefined, signal: AbortSignal) => {
      const leftMs = (): number => (at === undefined ? Number.POSITIVE_INFINITY : at - Date.now());
      for (let ms = leftMs(); ms > 0; ms = leftMs()) {
        await realSleep(Math.min(60_000, ms / rate + 1), signal);
      }
    },
  });
}
