import type { Digest } from '@sallyport/core/shared/ids';

/** Lets one caller at a time work on a digest; others wait for it. */
export class InFlight {
  readonly #running = new Map<Digest, Promise<void>>();

  /**
   * Runs `work` when nobody works on `sha256`; otherwise waits until that has ended, whatever comes of it,
   * and answers 'waited': the caller looks again.
   */
  async join(sha256: Digest, signal: AbortSignal, work: () => Promise<void>): Promise<'ran' | 'waited'> {
    const running = this.#running.get(sha256);
    if (running !== undefined) {
      await untilEnded(running, signal);
      return 'waited';
    }
    const own = work();
    this.#running.set(sha256, own);
    try {
      await own;
    } finally {
      this.#running.delete(sha256);
    }
    return 'ran';
  }
}

async function untilEnded(running: Promise<void>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const end = (): void => reject(signal.reason as Error);
  signal.addEventListener('abort', end, { once: true });
  try {
    await Promise.race([running.catch(() => undefined), aborted]);
  } finally {
    signal.removeEventListener('abort', end);
  }
}
