/** One supervised piece of a site server (design section 9). */
export interface Component {
  /** As administrators know it: `SMS_DMP_DOWNLOADER`. */
  readonly name: string;
  /** Resolves when ready; the signal cancels only the starting. */
  start(signal: AbortSignal): Promise<void>;
  /** Ends everything it began. Harmless before `start` and a second time. */
  stop(): Promise<void>;
  query(): ComponentStatus;
}

export interface ComponentStatus {
  readonly state: 'stopped' | 'starting' | 'running' | 'waiting' | 'failing';
  /** What it does now or why it cannot go on, for people. */
  readonly reason: string;
  readonly since: number;
  readonly nextAt?: number;
  readonly lastError?: string;
}
