import type { EpochMs } from '@sallyport/core/shared/ids';

/** The only way to the time of day. Expect jumps: machines sleep and clocks are set. */
export interface Clock {
  now(): EpochMs;
  /** Resolves after `ms`, rejects with the signal's reason when it is aborted first. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  /**
   * Resolves when it is `at` or later by `now()`, whether time passed or the clock was set forward; and when the
   * clock was found to have been set back, which makes nonsense of whatever was waited for. Without `at` only that
   * ends the wait. Notices a jump within a minute. Rejects with the signal's reason when it is aborted first.
   */
  until(at: EpochMs | undefined, signal: AbortSignal): Promise<void>;
}
