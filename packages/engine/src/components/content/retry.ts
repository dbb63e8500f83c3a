import { ContentError, isTransient } from '@sallyport/core/domain/content/content-error';

/** How stubbornly a source is asked again. */
export interface RetryLimits {
  /** Failures in a row, without a new KiB in between, after which it is given up. */
  readonly attemptsMax: number;
  readonly delayFirstMs: number;
  readonly delayMaxMs: number;
}

export const defaultRetry: RetryLimits = { attemptsMax: 8, delayFirstMs: 1000, delayMaxMs: 60_000 };

/**
 * Exponential back-off with full jitter: anywhere between 0 and the limit, which doubles with each failure,
 * so that many sites whose parent comes back do not all ask at once.
 *
 * @param failures at least 1
 * @param fraction chance, in [0, 1)
 */
export function fullJitterMs(limits: RetryLimits, failures: number, fraction: number): number {
  return Math.round(
    fraction * Math.min(limits.delayMaxMs, limits.delayFirstMs * 2 ** Math.min(failures - 1, 40)),
  );
}

/** Worth waiting for: the way to the source failed, or somebody else writes the same blob just now. */
export function isWorthWaiting(thrown: unknown): thrown is ContentError {
  return isTransient(thrown) || (thrown instanceof ContentError && thrown.code === 'BUSY');
}
