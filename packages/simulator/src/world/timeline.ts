import type { EpochMs } from '@sallyport/core/shared/ids';

/** Something that is to happen. */
interface Planned {
  readonly at: EpochMs;
  /** Of those of one moment, what was planned first happens first. */
  readonly order: number;
  action: (() => void) | undefined;
}

/**
 * Simulated time: a queue of what happens when. Between two events everything that was set going runs until it waits
 * for another event. Nothing here waits for real time, so a run goes as fast as the machine computes.
 */
export class Timeline {
  readonly #heap: Planned[] = [];
  #now: EpochMs;
  #order = 0;
  #events = 0;

  constructor(startsAt: EpochMs) {
    this.#now = startsAt;
  }

  /** The true time, which no site knows. */
  now(): EpochMs {
    return this.#now;
  }

  /** Events so far. */
  get events(): number {
    return this.#events;
  }

  /** Plans something; what is answered takes it back. The past is now. */
  at(time: EpochMs, action: () => void): () => void {
    const planned: Planned = { at: Math.max(this.#now, Math.ceil(time)), order: this.#order, action };
    this.#order += 1;
    this.#push(planned);
    return () => {
      planned.action = undefined;
    };
  }

  after(ms: number, action: () => void): () => void {
    return this.at(this.#now + Math.max(0, ms), action);
  }

  /** Resolves when the time has come. */
  async sleep(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.after(ms, resolve);
    await promise;
  }

  /** Lets time pass until `end`, or until `isOver` says so after an event. */
  async run(end: EpochMs, isOver: () => boolean): Promise<void> {
    await settled();
    while (!isOver()) {
      const next = this.#heap[0];
      if (next === undefined || next.at > end) break;
      this.#pop();
      const { action } = next;
      if (action === undefined) continue;
      this.#now = next.at;
      this.#events += 1;
      action();
      await settled();
    }
    if (!isOver()) this.#now = Math.max(this.#now, end);
  }

  #push(planned: Planned): void {
    const heap = this.#heap;
    let index = heap.length;
    heap.push(planned);
    while (index > 0) {
      const above = (index - 1) >> 1;
      const parent = heap[above];
      if (parent === undefined || !isBefore(planned, parent)) break;
      heap[index] = parent;
      index = above;
    }
    heap[index] = planned;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let index = 0;
    for (;;) {
      let below = 2 * index + 1;
      const left = heap[below];
      if (left === undefined) break;
      const right = heap[below + 1];
      let least = left;
      if (right !== undefined && isBefore(right, left)) {
        least = right;
        below += 1;
      }
      if (!isBefore(least, last)) break;
      heap[index] = least;
      index = below;
    }
    heap[index] = last;
  }
}

function isBefore(a: Planned, b: Planned): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

/** Everything in memory goes on in microtasks: one turn of the event loop is all of them. */
async function settled(): Promise<void> {
  await new Promise<void>((resolve) => {
    setImmediate(resolve);
  });
}
