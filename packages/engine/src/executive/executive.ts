import { messageOf } from '@sallyport/core/shared/errors';
import type { Clock } from '../ports/clock.ts';
import type { Component, ComponentStatus } from '../ports/component.ts';
import type { Log } from '../ports/log.ts';
import type { Random } from '../ports/random.ts';

const restartDelayMinMs = 1_000;
const restartDelayMaxMs = 300_000;

/** A component as the executive sees it: what it says of itself, or why it could not be started. */
export interface SupervisedStatus extends ComponentStatus {
  readonly name: string;
}

interface Supervised {
  readonly component: Component;
  /** Set while the component could not be started and is to be tried again. */
  startFailure: { readonly error: string; readonly since: number; readonly nextAt: number } | undefined;
}

/**
 * Starts a site's components in order, tries those that fail to start again with growing delays, and
 * stops them in reverse order, each within a limit, whatever the others do.
 */
export class Executive {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #log: Log;
  readonly #stopLimitMs: number;
  readonly #supervised: readonly Supervised[];
  #lifetime: AbortController | undefined;
  readonly #retries = new Set<Promise<void>>();

  constructor(options: {
    readonly components: readonly Component[];
    readonly clock: Clock;
    readonly random: Random;
    readonly log: Log;
    /** How long one component may take to stop before it is reported and left behind. */
    readonly stopLimitMs?: number;
  }) {
    this.#clock = options.clock;
    this.#random = options.random;
    this.#log = options.log;
    this.#stopLimitMs = options.stopLimitMs ?? 10_000;
    this.#supervised = options.components.map((component) => ({ component, startFailure: undefined }));
  }

  /** Resolves when every component has started or is waiting for its next try. */
  async start(): Promise<void> {
    if (this.#lifetime) return;
    const lifetime = new AbortController();
    this.#lifetime = lifetime;
    for (const supervised of this.#supervised) {
      if (lifetime.signal.aborted) return;
      if (!(await this.#tryStart(supervised, 1, lifetime.signal)))
        this.#retryLater(supervised, lifetime.signal);
    }
  }

  /** Stops everything; answers the names of components that did not stop within the limit. Harmless when repeated. */
  async stop(): Promise<readonly string[]> {
    this.#lifetime?.abort(new Error('the executive stops'));
    this.#lifetime = undefined;
    await Promise.all(this.#retries);
    const leftBehind: string[] = [];
    for (const { component } of this.#supervised.toReversed()) {
      const limit = new AbortController();
      const stopped = component.stop().then(
        () => true,
        (error: unknown) => {
          this.#log.error('Component {name} failed while it stopped: {err}', {
            name: component.name,
            err: messageOf(error),
          });
          return true;
        },
      );
      const tooLong = this.#clock.sleep(this.#stopLimitMs, limit.signal).then(
        () => false,
        () => true,
      );
      if (await Promise.race([stopped, tooLong])) {
        this.#log.info('Component {name} stopped', { name: component.name });
      } else {
        leftBehind.push(component.name);
        this.#log.error('Component {name} did not stop within {limitMs} ms and is left behind', {
          name: component.name,
          limitMs: this.#stopLimitMs,
        });
      }
      limit.abort();
    }
    return leftBehind;
  }

  query(): readonly SupervisedStatus[] {
    return this.#supervised.map(({ component, startFailure }) => {
      const { name } = component;
      if (!startFailure) return { name, ...component.query() };
      const { error, since, nextAt } = startFailure;
      return {
        name,
        state: 'failing',
        reason: `could not be started: ${error}`,
        since,
        nextAt,
        lastError: error,
      };
    });
  }

  async #tryStart(supervised: Supervised, attempt: number, signal: AbortSignal): Promise<boolean> {
    const { component } = supervised;
    try {
      await component.start(signal);
      supervised.startFailure = undefined;
      this.#log.info('Component {name} started', { name: component.name });
      return true;
    } catch (error) {
      if (signal.aborted) return true;
      const now = this.#clock.now();
      const delayMs =
        Math.min(restartDelayMaxMs, restartDelayMinMs * 2 ** (attempt - 1)) *
        (0.5 + this.#random.fraction() / 2);
      supervised.startFailure = {
        error: messageOf(error),
        since: supervised.startFailure?.since ?? now,
        nextAt: now + delayMs,
      };
      this.#log.error('Component {name} could not be started, next try in {delayMs} ms: {err}', {
        name: component.name,
        delayMs: Math.round(delayMs),
        err: messageOf(error),
      });
      return false;
    }
  }

  #retryLater(supervised: Supervised, signal: AbortSignal): void {
    const retry = this.#retryUntilStarted(supervised, signal).finally(() => this.#retries.delete(retry));
    this.#retries.add(retry);
  }

  async #retryUntilStarted(supervised: Supervised, signal: AbortSignal): Promise<void> {
    for (let attempt = 2; supervised.startFailure; attempt++) {
      const waitMs = Math.max(0, supervised.startFailure.nextAt - this.#clock.now());
      const waited = await this.#clock.sleep(waitMs, signal).then(
        () => true,
        () => false,
      );
      if (!waited || (await this.#tryStart(supervised, attempt, signal))) return;
    }
  }
}
