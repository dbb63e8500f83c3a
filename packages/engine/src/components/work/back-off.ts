import type { EpochMs } from '@sallyport/core/shared/ids';

/** Growing delays between tries. */
export interface BackOff {
  /** Longest delay after the first failure. */
  readonly firstMs: number;
  /** No delay is longer. */
  readonly maxMs: number;
}

/**
 * How long to wait after `failures` failures in a row (at least 1): doubled each time, and shortened by up
 * to half by `fraction` (in [0, 1)), so that many sites do not come back at one moment.
 */
export function backOffMs(backOff: BackOff, failures: number, fraction: number): number {
  const longest = Math.min(backOff.maxMs, backOff.firstMs * 2 ** Math.min(failures - 1, 40));
  return Math.round(longest * (1 - fraction / 2));
}

/** Whether a try planned for `nextAt` is due. A clock that was set back must not put it off for longer than any delay. */
export function isDue({ maxMs }: BackOff, nextAt: EpochMs | undefined, now: EpochMs): boolean {
  return nextAt === undefined || nextAt <= now || nextAt - now > maxMs;
}
