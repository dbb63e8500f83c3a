import { performance } from 'node:perf_hooks';
import type { Compute } from '../ports/compute.ts';
import type { JobCount } from '../ports/machine.ts';

/** Work that is done off the main thread, by the name of its call. */
type JobName = 'compressFile' | 'decompressFile' | 'hashFile';

interface Meter {
  count: number;
  failed: number;
  ms: number;
}

/** Counts what another `Compute` is asked to do, and how long that takes. */
export class MeteredCompute implements Compute {
  readonly #real: Compute;
  readonly #meters = new Map<JobName, Meter>();

  constructor(real: Compute) {
    this.#real = real;
  }

  hashFile(...given: Parameters<Compute['hashFile']>): ReturnType<Compute['hashFile']> {
    return this.#metered('hashFile', () => this.#real.hashFile(...given));
  }

  decompressFile(...given: Parameters<Compute['decompressFile']>): ReturnType<Compute['decompressFile']> {
    return this.#metered('decompressFile', () => this.#real.decompressFile(...given));
  }

  compressFile(...given: Parameters<Compute['compressFile']>): ReturnType<Compute['compressFile']> {
    return this.#metered('compressFile', () => this.#real.compressFile(...given));
  }

  sha256(bytes: Uint8Array): ReturnType<Compute['sha256']> {
    return this.#real.sha256(bytes);
  }

  close(): Promise<void> {
    return this.#real.close();
  }

  /** What was asked for so far and has ended, by name. */
  jobs(): readonly JobCount[] {
    return [...this.#meters]
      .map(([job, { count, failed, ms }]) => ({ job, count, failed, ms: Math.round(ms) }))
      .toSorted((a, b) => (a.job < b.job ? -1 : 1));
  }

  async #metered<T>(job: JobName, work: () => Promise<T>): Promise<T> {
    const startedAt = performance.now();
    let done = false;
    try {
      const result = await work();
      done = true;
      return result;
    } finally {
      const meter = this.#meters.get(job) ?? { count: 0, failed: 0, ms: 0 };
      this.#meters.set(job, meter);
      meter.count += 1;
      meter.failed += done ? 0 : 1;
      meter.ms += performance.now() - startedAt;
    }
  }
}
