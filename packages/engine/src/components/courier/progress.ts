import type { EpochMs } from '@sallyport/core/shared/ids';
import type { Clock } from '../../ports/clock.ts';
import type { CourierProgress } from './courier-ports.ts';

const windowMs = 10_000;
const tellEveryMs = 250;

/** Counts what comes, and tells how fast and how long still. */
export class CourierMeter {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #totalBytes: number;
  readonly #tell: (progress: CourierProgress) => void;
  #doneBytes: number;
  #samples: { readonly at: EpochMs; readonly doneBytes: number }[];
  #toldAt = Number.NEGATIVE_INFINITY;
  fetchedBytes = 0;

  /** @param doneBytes what an earlier run has brought */
  constructor(
    clock: Pick<Clock, 'now'>,
    amounts: { readonly totalBytes: number; readonly doneBytes: number },
    tell: (progress: CourierProgress) => void,
  ) {
    this.#clock = clock;
    this.#totalBytes = amounts.totalBytes;
    this.#doneBytes = amounts.doneBytes;
    this.#samples = [{ at: clock.now(), doneBytes: amounts.doneBytes }];
    this.#tell = tell;
  }

  received(count: number): void {
    this.fetchedBytes += count;
    this.#doneBytes = Math.min(this.#totalBytes, this.#doneBytes + count);
    const at = this.#clock.now();
    if (Math.abs(at - this.#toldAt) < tellEveryMs) return;
    this.#toldAt = at;
    this.#samples = [
      ...this.#samples.filter((sample) => at - sample.at <= windowMs),
      { at, doneBytes: this.#doneBytes },
    ];
    const [first] = this.#samples;
    const spanMs = first === undefined ? 0 : at - first.at;
    const bytesPerSecond = spanMs <= 0 ? 0 : ((this.#doneBytes - (first?.doneBytes ?? 0)) * 1000) / spanMs;
    const leftBytes = this.#totalBytes - this.#doneBytes;
    this.#tell({
      doneBytes: this.#doneBytes,
      totalBytes: this.#totalBytes,
      bytesPerSecond,
      ...(bytesPerSecond > 0 ? { remainingMs: (leftBytes * 1000) / bytesPerSecond } : {}),
    });
  }
}
