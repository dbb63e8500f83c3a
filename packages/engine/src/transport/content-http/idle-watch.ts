import { windowMinBytes } from '@sallyport/core/shared/pace';
import type { IdleLimits } from './until-idle.ts';
import { cameInTime, stalled } from './until-idle.ts';

/** How often in the idle time somebody looks whether enough came: a server is given up at most one look late. */
const looks = 4;

/**
 * Watches over a server that is waited for again and again, as for the pieces of a body: within each idle time of waiting
 * it must send a KiB. One timer looks from time to time, where one for every piece would cost more than the piece. Time in
 * which nobody waits does not count.
 */
export class IdleWatch {
  readonly #limits: IdleLimits;
  readonly #onStalled: (failure: unknown) => void;
  readonly #ending = new AbortController();
  #isWaited = false;
  #isLooking = false;
  /** Looks that found somebody waiting since the last whole KiB; below 0 when that came after the last look. */
  #quietLooks = 0;
  /** Since the last whole KiB. */
  #cameBytes = 0;

  constructor(limits: IdleLimits, onStalled: (failure: unknown) => void) {
    this.#limits = limits;
    this.#onStalled = onStalled;
  }

  waitBegins(): void {
    this.#isWaited = true;
    if (!this.#isLooking) {
      this.#isLooking = true;
      this.#look().catch(() => undefined);
    }
  }

  waitEnds(): void {
    this.#isWaited = false;
  }

  /** A piece of the body is here. */
  came(sizeBytes: number): void {
    this.#cameBytes += sizeBytes;
    if (this.#cameBytes >= windowMinBytes) {
      this.#cameBytes = 0;
      this.#quietLooks = this.#isLooking ? -1 : 0;
    }
  }

  end(): void {
    this.#ending.abort(cameInTime);
  }

  async #look(): Promise<void> {
    const { clock, idleTimeoutMs } = this.#limits;
    try {
      for (;;) {
        await clock.sleep(idleTimeoutMs / looks, this.#ending.signal);
        if (!this.#isWaited) {
          // The next wait has looks of its own, which begin with it.
          this.#quietLooks = Math.max(0, this.#quietLooks);
          return;
        }
        this.#quietLooks += 1;
        if (this.#quietLooks === looks) {
          this.#onStalled(stalled(this.#limits, 'less than a KiB'));
          return;
        }
      }
    } finally {
      this.#isLooking = false;
    }
  }
}
