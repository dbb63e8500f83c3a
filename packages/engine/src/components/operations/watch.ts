import type { StatusResult } from '@sallyport/core/wire/api';
import type { Clock } from '../../ports/clock.ts';

/** Nobody reads faster. */
const spacingMs = 250;
/** What changes by time alone, a rate or a wait, is looked at this often. */
const idleMs = 2_000;

/**
 * Status snapshots as they change: the first at once, then one after every change, not faster than people read.
 * Ends when the signal is aborted.
 *
 * @param sources each takes a listener and answers how to remove it
 */
export async function* watchStatus(
  look: () => Promise<StatusResult>,
  sources: readonly ((listener: () => void) => () => void)[],
  clock: Clock,
  signal: AbortSignal,
): AsyncGenerator<StatusResult> {
  let changed = Promise.withResolvers<void>();
  const stops = sources.map((listen) => listen(() => changed.resolve()));
  let last = '';
  try {
    while (!signal.aborted) {
      changed = Promise.withResolvers<void>();
      const snapshot = await look();
      const text = JSON.stringify({ ...snapshot, at: 0 });
      if (text !== last) {
        last = text;
        yield snapshot;
      }
      await quietly(clock.sleep(spacingMs, signal));
      await soonest(changed.promise, clock, signal);
    }
  } finally {
    for (const stop of stops) stop();
  }
}

async function soonest(changed: Promise<void>, clock: Clock, signal: AbortSignal): Promise<void> {
  const enough = new AbortController();
  const either = AbortSignal.any([signal, enough.signal]);
  try {
    await Promise.race([changed, quietly(clock.sleep(idleMs, either))]);
  } finally {
    enough.abort();
  }
}

/** A sleep that was ended has ended: why, the signal says. */
async function quietly(sleep: Promise<void>): Promise<void> {
  await sleep.catch(() => undefined);
}
