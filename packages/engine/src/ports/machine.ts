import type { EpochMs } from '@sallyport/core/shared/ids';

/** What a site server can find out of the machine it runs on, and of its own process. */
export interface Machine {
  describe(): MachineDescription;
  /** What this process has used since it was started. */
  performance(): ProcessPerformance;
}

export interface MachineDescription {
  /** As `process.platform` and `process.arch` say. */
  readonly os: string;
  readonly arch: string;
  /** As the operating system says it: whoever built that may have put anything in. */
  readonly release: string;
  readonly processors: number;
  readonly memoryBytes: number;
  /** What waits for a processor on average over the last minute, in thousandths; absent where the platform does not say. */
  readonly loadThousandths?: number;
  /** Versions of Node.js and SQLite. */
  readonly node: string;
  readonly sqlite: string;
  /** May change its user. */
  readonly privileged: boolean;
}

export interface ProcessPerformance {
  readonly startedAt: EpochMs;
  readonly residentBytes: number;
  readonly heapBytes: number;
  /** Processor time, of all threads. */
  readonly processorMs: number;
  /** How late timers of the main thread were: half of the time, and 1 of 100 times. In microseconds. */
  readonly loopDelayP50Us: number;
  readonly loopDelayP99Us: number;
  /** What was done off the main thread, by kind. */
  readonly jobs: readonly JobCount[];
}

export interface JobCount {
  readonly job: string;
  readonly count: number;
  readonly failed: number;
  /** Together, waiting for a free worker included. */
  readonly ms: number;
}
