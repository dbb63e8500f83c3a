import { messageOf } from '@sallyport/core/shared/errors';
import type { EpochMs } from '@sallyport/core/shared/ids';
import type { Clock } from '../../ports/clock.ts';
import type { ComponentStatus } from '../../ports/component.ts';
import type { Log } from '../../ports/log.ts';
import type { Random } from '../../ports/random.ts';
import { backOffMs, type BackOff } from './back-off.ts';

/** How a pass left things: what is waited for, and when it is worth looking again without being woken. */
export interface PassOutcome {
  readonly state: 'running' | 'waiting' | 'failing';
  /** For people: what the loop waits for, or that there is nothing to do. */
  readonly reason: string;
  readonly nextAt?: EpochMs;
}

/** One look at what there is to do, doing it. `report` says what is being done meanwhile. */
export type Pass = (signal: AbortSignal, report: (reason: string) => void) => Promise<PassOutcome>;

/** A pass that names a time already past must not keep the thread from everything else. */
const shortestSleepMs = 100;

const failureBackOff: BackOff = { firstMs: 1_000, maxMs: 300_000 };

/**
 * Repeats a pass for as long as its component runs: when woken, when the time comes that the last pass
 * named, and with growing delays after a pass that threw. Never two passes at once.
 *
 * A pass looks at durable state and brings it forward, so that a process killed at any point goes on
 * where it was. A loop that is waiting out a failure is not woken by `wake`, only by `runOnce`.
 */
export class WorkLoop {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #log: Log;
  readonly #pass: Pass;
  #running: { readonly lifetime: AbortController; readonly done: Promise<void> } | undefined;
  #status: ComponentStatus;
  #failures = 0;
  #woken = false;
  #interrupt: (() => void) | undefined;
  #waiters: { readonly resolve: () => void; readonly reject: (error: unknown) => void }[] = [];

  constructor(options: {
    readonly clock: Clock;
    readonly random: Random;
    readonly log: Log;
    readonly pass: Pass;
  }) {
    this.#clock = options.clock;
    this.#random = options.random;
    this.#log = options.log;
    this.#pass = options.pass;
    this.#status = { state: 'stopped', reason: 'not started', since: options.clock.now() };
  }

  /** Begins with a pass at once. No effect while it runs. */
  start(): void {
    if (this.#running) return;
    const lifetime = new AbortController();
    this.#setStatus({ state: 'starting', reason: 'looks at what there is to do' });
    this.#running = { lifetime, done: this.#run(lifetime.signal) };
  }

  /** Ends the pass under way by its signal, and the loop. Harmless when it does not run. */
  async stop(): Promise<void> {
    const running = this.#running;
    if (!running) return;
    running.lifetime.abort(new Error('the component stops'));
    await running.done;
    if (this.#running === running) {
      this.#running = undefined;
      this.#setStatus({ state: 'stopped', reason: 'stopped' });
    }
  }

  /** Something changed: another pass follows, soon but not twice. */
  wake(): void {
    this.#woken = true;
    if (this.#failures === 0) this.#interrupt?.();
  }

  /** Resolves when a pass that began after this call has ended; rejects with what that pass threw. */
  async runOnce(): Promise<void> {
    if (!this.#running) throw new Error('the component is not running: start it first');
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiters.push({ resolve, reject });
    this.#woken = true;
    this.#interrupt?.();
    return promise;
  }

  query(): ComponentStatus {
    return this.#status;
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#woken = false;
      const waiters = this.#waiters;
      this.#waiters = [];
      let nextAt: EpochMs | undefined;
      try {
        const outcome = await this.#pass(signal, (reason) => this.#setStatus({ state: 'running', reason }));
        this.#failures = 0;
        nextAt = outcome.nextAt;
        this.#setStatus(outcome);
        for (const { resolve } of waiters) resolve();
      } catch (error) {
        for (const { reject } of waiters) reject(error);
        if (signal.aborted) break;
        nextAt = this.#failed(error);
      }
      await this.#idle(nextAt, signal);
    }
    for (const { reject } of this.#waiters.splice(0)) reject(new Error('the component stopped'));
  }

  #failed(error: unknown): EpochMs {
    this.#failures += 1;
    const nextAt = this.#clock.now() + backOffMs(failureBackOff, this.#failures, this.#random.fraction());
    const reason = messageOf(error);
    this.#log.error('Work failed, next try at {nextAt}: {err}', {
      nextAt: new Date(nextAt).toISOString(),
      err: reason,
    });
    this.#setStatus({ state: 'failing', reason, nextAt, lastError: reason });
    return nextAt;
  }

  /** Waits to be woken, for the time to come or for the end. */
  async #idle(nextAt: EpochMs | undefined, signal: AbortSignal): Promise<void> {
    if (this.#waiters.length > 0) return;
    if (this.#woken && this.#failures === 0) return;
    const interrupted = new AbortController();
    this.#interrupt = () => interrupted.abort(new Error('woken'));
    const either = AbortSignal.any([signal, interrupted.signal]);
    const until = nextAt === undefined ? undefined : Math.max(nextAt, this.#clock.now() + shortestSleepMs);
    // A clock that was set back ends the wait too: it makes nonsense of the time to wait for.
    await this.#clock.until(until, either).catch(() => undefined);
    this.#interrupt = undefined;
  }

  /** Keeps `since` while state and reason stay what they were. */
  #setStatus(next: Omit<ComponentStatus, 'since'>): void {
    const same = this.#status.state === next.state && this.#status.reason === next.reason;
    const { lastError } = this.#status;
    this.#status = {
      ...(lastError === undefined ? {} : { lastError }),
      ...next,
      since: same ? this.#status.since : this.#clock.now(),
    };
  }
}
