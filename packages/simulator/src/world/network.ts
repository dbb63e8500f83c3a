import type { Chance } from './chance.ts';
import type { Life } from './life.ts';
import type { Mishap } from './tally.ts';
import type { Timeline } from './timeline.ts';

/** What becomes of one message: it gets through after a while, or is lost. */
export type Passage = { readonly kind: 'lost' } | { readonly kind: 'through'; readonly delayMs: number };

/** How a line behaves for as long as it is disturbed. */
export interface LineTrouble {
  /** Nothing gets through. */
  readonly isCut: boolean;
  /** Share of messages that are lost, each way for itself. */
  readonly lostShare: number;
  /** Share of requests that arrive twice. */
  readonly twiceShare: number;
  /** Longest delay each way: messages overtake each other within it. */
  readonly delayMaxMs: number;
}

const calm: LineTrouble = { isCut: false, lostShare: 0, twiceShare: 0, delayMaxMs: 40 };
/** A caller that hears nothing gives up after this long. */
const patienceMs = 30_000;

/** Why a call came back without an answer. */
export class NoAnswer extends Error {
  readonly reason: 'refused' | 'silent';

  constructor(reason: 'refused' | 'silent') {
    super(reason === 'refused' ? 'nobody is there' : 'no answer came');
    this.reason = reason;
  }
}

/** The lines between machines. */
export class Network {
  readonly #timeline: Timeline;
  readonly #chance: Chance;
  readonly #count: (what: Mishap) => void;
  readonly #troubles = new Map<string, Set<LineTrouble>>();
  /** When the message arrives that is the last to do so of those sent so far, by the way it goes. */
  readonly #arrivals = new Map<string, number>();

  /** @param count told of each message that is lost, doubled or overtaken because a line is disturbed */
  constructor(timeline: Timeline, chance: Chance, count: (what: Mishap) => void) {
    this.#timeline = timeline;
    this.#chance = chance;
    this.#count = count;
  }

  /** Disturbs the line between two machines until what is answered is called. */
  disturb(one: string, other: string, trouble: Partial<LineTrouble>): () => void {
    const line = lineOf(one, other);
    const troubles = this.#troubles.get(line) ?? new Set();
    this.#troubles.set(line, troubles);
    const whole = { ...calm, ...trouble };
    troubles.add(whole);
    return () => {
      troubles.delete(whole);
    };
  }

  /**
   * Calls from one machine to another: the request travels, `serve` runs there, the answer travels back. Each way may
   * fail by itself, so an effect there says nothing about an answer here.
   *
   * @param serve undefined where nobody listens; its signal ends with the caller
   * @param waitMs how long the other side may take beyond the usual
   * @throws {NoAnswer} or what `serve` throws
   */
  async call<T>(
    between: { readonly from: string; readonly to: string; readonly caller: Life },
    serve: (signal: AbortSignal) => Promise<T> | undefined,
    waitMs: number,
    signal: AbortSignal,
  ): Promise<T> {
    signal.throwIfAborted();
    const { caller } = between;
    const gone = new AbortController();
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const settle = (action: () => void): void => {
      if (!caller.isOver) action();
    };
    const hangUp = (): void => {
      gone.abort(new Error('the caller has hung up'));
    };
    const aborted = (): void => {
      hangUp();
      settle(() => reject(signal.reason as Error));
    };
    signal.addEventListener('abort', aborted, { once: true });
    const forget = caller.onEnd(hangUp);
    const cancelPatience = this.#timeline.after(patienceMs + waitMs, () => {
      hangUp();
      settle(() => reject(new NoAnswer('silent')));
    });
    const request = (isFirst: boolean): void => {
      this.#travel(between.from, between.to, () => {
        const served =
          gone.signal.aborted && isFirst
            ? undefined
            : serve(isFirst ? gone.signal : new AbortController().signal);
        if (served === undefined) {
          if (isFirst) settle(() => reject(new NoAnswer('refused')));
          return;
        }
        const answer = (action: () => void): void => {
          if (isFirst) this.#travel(between.to, between.from, () => settle(action));
        };
        served.then(
          (value) => answer(() => resolve(value)),
          (error: unknown) => answer(() => reject(error)),
        );
      });
    };
    request(true);
    if (this.#chance.happens(this.#troubleOf(between.from, between.to).twiceShare)) {
      this.#count('requests doubled');
      request(false);
    }
    try {
      return await promise;
    } finally {
      cancelPatience();
      forget();
      signal.removeEventListener('abort', aborted);
    }
  }

  #travel(from: string, to: string, arrive: () => void): void {
    const passage = this.#passage(from, to);
    if (passage.kind === 'through') {
      this.#timeline.after(passage.delayMs, arrive);
    }
  }

  #passage(from: string, to: string): Passage {
    const { isCut, lostShare, delayMaxMs } = this.#troubleOf(from, to);
    if (isCut || this.#chance.happens(lostShare)) {
      this.#count(isCut ? 'calls over a cut line' : 'messages lost');
      return { kind: 'lost' };
    }
    const delayMs = 1 + Math.floor(this.#chance.fraction() * delayMaxMs);
    const way = `${from} ${to}`;
    const arrivesAt = this.#timeline.now() + delayMs;
    const lastAt = this.#arrivals.get(way) ?? 0;
    if (lastAt > arrivesAt && delayMaxMs > calm.delayMaxMs) this.#count('messages overtaken');
    this.#arrivals.set(way, Math.max(lastAt, arrivesAt));
    return { kind: 'through', delayMs };
  }

  #troubleOf(one: string, other: string): LineTrouble {
    const troubles = this.#troubles.get(lineOf(one, other));
    let worst = calm;
    for (const trouble of troubles ?? []) {
      worst = {
        isCut: worst.isCut || trouble.isCut,
        lostShare: Math.max(worst.lostShare, trouble.lostShare),
        twiceShare: Math.max(worst.twiceShare, trouble.twiceShare),
        delayMaxMs: Math.max(worst.delayMaxMs, trouble.delayMaxMs),
      };
    }
    return worst;
  }
}

function lineOf(one: string, other: string): string {
  return one < other ? `${one} ${other}` : `${other} ${one}`;
}
