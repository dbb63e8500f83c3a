import type { FetchPlan, Route, SegmentStep } from '@sallyport/core/domain/content/route';
import type { BlobRef, Tree } from '@sallyport/core/domain/content/tree';
import type { Digest, EpochMs } from '@sallyport/core/shared/ids';
import type { Clock } from '../../ports/clock.ts';

/** How many of a tree's segments came which way; `held` ones did not have to come. */
export type RouteCounts = Readonly<Record<Route['kind'] | 'held', number>>;

/** How far a fetch has come. */
export interface FetchProgress {
  /** What is at hand of the release's files, of `totalBytes`; never falls. */
  readonly doneBytes: number;
  readonly totalBytes: number;
  /** What came over the wire: far less than `doneBytes` where patches do. */
  readonly receivedBytes: number;
  readonly segmentsDone: number;
  readonly segments: number;
  /** Over the last seconds; 0 while nothing comes. */
  readonly rateBytesPerSecond: number;
  /** Absent while it cannot be told. */
  readonly remainingMs?: number;
  readonly routes: RouteCounts;
}

const rateWindowMs = 10_000;
const samplesMax = 100;
/** Progress within a segment is told no more often than this. */
const tellEveryMs = 200;

/** Counts a fetch and tells its listener how far it is. */
export class ProgressMeter {
  readonly #clock: Clock;
  readonly #tell: (progress: FetchProgress) => void;
  readonly #totalBytes: number;
  readonly #weights = new Map<Digest, number>();
  readonly #active = new Map<Digest, { readonly step: SegmentStep; receivedBytes: number }>();
  readonly #routes: Record<Route['kind'] | 'held', number> = { held: 0, patch: 0, zstd: 0, raw: 0 };
  #samples: { readonly at: EpochMs; readonly receivedBytes: number }[];
  #segments = 0;
  #finishedBytes = 0;
  #doneBytes = 0;
  #receivedBytes = 0;
  #plannedBytes = 0;
  #toldAt: EpochMs;
  #toldBytes = 0;
  #toldRate = 0;

  /** @param totalBytes of all files of the release */
  constructor(clock: Clock, totalBytes: number, tell: (progress: FetchProgress) => void) {
    this.#clock = clock;
    this.#totalBytes = totalBytes;
    this.#tell = tell;
    this.#toldAt = clock.now();
    this.#samples = [{ at: this.#toldAt, receivedBytes: 0 }];
  }

  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  get routes(): RouteCounts {
    return { ...this.#routes };
  }

  /** What is to be done is known now. */
  planned(tree: Tree, plan: FetchPlan): void {
    for (const file of tree.files) {
      for (const { sha256, sizeBytes } of file.segments) {
        this.#weights.set(sha256, (this.#weights.get(sha256) ?? 0) + sizeBytes);
      }
    }
    this.#segments = this.#weights.size;
    this.#plannedBytes = this.#receivedBytes + plan.plannedBytes;
    for (const held of plan.held) {
      this.#finish(held, 'held');
    }
    this.#tellNow();
  }

  begin(step: SegmentStep): void {
    this.#active.set(step.segment.sha256, { step, receivedBytes: 0 });
  }

  /** @param segment for which the bytes came; undefined for the documents */
  received(count: number, segment?: BlobRef): void {
    this.#receivedBytes += count;
    const active = segment === undefined ? undefined : this.#active.get(segment.sha256);
    if (active !== undefined) {
      active.receivedBytes += count;
    }
    if (Math.abs(this.#clock.now() - this.#toldAt) >= tellEveryMs) {
      this.#tellNow();
    }
  }

  /** Time has passed: tells what the last bytes came to, and that nothing comes while nothing does. */
  tick(): void {
    if (this.#receivedBytes !== this.#toldBytes || this.#toldRate > 0) {
      this.#tellNow();
    }
  }

  end(step: SegmentStep, route: Route['kind']): void {
    this.#active.delete(step.segment.sha256);
    this.#finish(step.segment, route);
    this.#tellNow();
  }

  #finish(segment: BlobRef, route: Route['kind'] | 'held'): void {
    this.#routes[route] += 1;
    this.#finishedBytes += this.#weights.get(segment.sha256) ?? 0;
  }

  #tellNow(): void {
    const now = this.#clock.now();
    this.#toldAt = now;
    this.#samples.push({ at: now, receivedBytes: this.#receivedBytes });
    // A clock that was set back makes nonsense of the samples before.
    this.#samples = this.#samples
      .filter(({ at }) => at <= now && now - at <= rateWindowMs)
      .slice(-samplesMax);
    const rateBytesPerSecond = this.#rate(now);
    this.#toldBytes = this.#receivedBytes;
    this.#toldRate = rateBytesPerSecond;
    const leftBytes = Math.max(0, this.#plannedBytes - this.#receivedBytes);
    this.#doneBytes = Math.max(this.#doneBytes, this.#finishedBytes + this.#partlyDoneBytes());
    this.#tell({
      doneBytes: this.#doneBytes,
      totalBytes: this.#totalBytes,
      receivedBytes: this.#receivedBytes,
      segmentsDone: Object.values(this.#routes).reduce((sum, count) => sum + count, 0),
      segments: this.#segments,
      rateBytesPerSecond,
      ...(rateBytesPerSecond > 0 ? { remainingMs: Math.round((leftBytes * 1000) / rateBytesPerSecond) } : {}),
      routes: this.routes,
    });
  }

  #rate(now: EpochMs): number {
    const first = this.#samples[0];
    const elapsedMs = now - (first?.at ?? now);
    return first === undefined || elapsedMs <= 0
      ? 0
      : Math.round(((this.#receivedBytes - first.receivedBytes) * 1000) / elapsedMs);
  }

  /** Segments under way count by the part of their bytes that has come; only a verified one counts whole. */
  #partlyDoneBytes(): number {
    let sum = 0;
    for (const [sha256, { step, receivedBytes }] of this.#active) {
      const fraction = step.costBytes === 0 ? 0 : Math.min(0.99, receivedBytes / step.costBytes);
      sum += Math.floor(fraction * (this.#weights.get(sha256) ?? 0));
    }
    return sum;
  }
}
