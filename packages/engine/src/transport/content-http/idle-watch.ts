import type { IdleLimits } from './until-idle.ts';
import { cameInTime, stalled } from './until-idle.ts';

/** How often in the idle time somebody looks whether anything came: a server is given up at most one look late. */
const looks = 4;

/**
 * Watches over a server that is waited for again and again, as for the pieces of a body: one timer that looks from time
 * to time, where one for every piece would cost more than the piece. Time in which nobody waits does not count.
 */
export class IdleWatch {
  readonly #limits: IdleLimits;
  readonly #onStalled: (failure: unknown) => void;
  readonly #ending = new AbortController();
  #isWaited = false;
  #isLooking = false;
  /** Whole looks of the wait that goes on; below 0 when it began after the last look. */
  #quietLooks = 0;

  constructor(limits: IdleLimits, onStalled: (failure: unknown) => void) {
    this.#limits = limits;
    this.#onStalled = onStalled;
  }

  waitBegins(): void {
    this.#isWaited = true;
    this.#quietLooks = this.#isLooking ? -1 : 0;
    if (!this.#isLooking) {
      this.#isLooking = true;
      this.#look().catch(() => undefined);
    }
  }

  waitEnds(): void {
    this.#isWaited = false;
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
          return;
        }
        this.#quietLooks += 1;
        if (this.#quietLooks === looks) {
          this.#onStalled(stalled(this.#limits));
          return;
        }
      }
    } finally {
      this.#isLooking = false;
    }
  }
}
