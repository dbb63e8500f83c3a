import { arch, availableParallelism, loadavg, platform, release, totalmem } from 'node:os';
import { type IntervalHistogram, monitorEventLoopDelay, performance } from 'node:perf_hooks';
import type { JobCount, Machine, MachineDescription, ProcessPerformance } from '../ports/machine.ts';

/** How often the delay of the main thread's timers is measured. */
const delayEveryMs = 20;

/** The machine and process that this code runs in. Measuring the delay begins with it, and ends with `close`. */
export class NodeMachine implements Machine {
  readonly #delay: IntervalHistogram;
  readonly #jobs: () => readonly JobCount[];

  /** @param jobs what was done off the main thread so far */
  constructor(jobs: () => readonly JobCount[]) {
    this.#jobs = jobs;
    this.#delay = monitorEventLoopDelay({ resolution: delayEveryMs });
    this.#delay.enable();
  }

  describe(): MachineDescription {
    const [lastMinute] = loadavg();
    return {
      os: platform(),
      arch: arch(),
      release: release(),
      processors: availableParallelism(),
      memoryBytes: totalmem(),
      // Windows answers 0 whatever it does.
      ...(platform() === 'win32' || lastMinute === undefined
        ? {}
        : { loadThousandths: Math.round(lastMinute * 1000) }),
      node: process.versions.node,
      sqlite: process.versions['sqlite'] ?? 'unknown',
      privileged: process.getuid?.() === 0,
    };
  }

  performance(): ProcessPerformance {
    const { rss, heapUsed } = process.memoryUsage();
    const { user, system } = process.cpuUsage();
    return {
      startedAt: Math.round(performance.timeOrigin),
      residentBytes: rss,
      heapBytes: heapUsed,
      processorMs: Math.round((user + system) / 1000),
      loopDelayP50Us: this.#delayUs(50),
      loopDelayP99Us: this.#delayUs(99),
      jobs: this.#jobs(),
    };
  }

  close(): void {
    this.#delay.disable();
  }

  /** Of nothing measured yet it is 0. The histogram holds nanoseconds, the interval itself included. */
  #delayUs(percentile: number): number {
    if (this.#delay.count === 0) return 0;
    return Math.max(0, Math.round(this.#delay.percentile(percentile) / 1000) - delayEveryMs * 1000);
  }
}
