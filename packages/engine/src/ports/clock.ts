import type { EpochMs } from '@sallyport/core/shared/ids';

/** The only way to the time of day. Expect jumps: machines sleep and clocks are set. */
export interface Clock {
  now(): EpochMs;
  /** Resolves after `ms`, rejects with the signal's reason when it is aborted first. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}
