/** Runs other programs. They get their own process group, so that a time limit ends their children too. */
export interface Processes {
  /**
   * Runs to the end or to the limit. Never throws for what the program does: a program that cannot be
   * started is `exitCode: null` with `startError`. When it resolves, nothing that the program started
   * is running any more, as far as the platform lets that be found. Rejects with the signal's reason,
   * after ending the program, when the signal is aborted.
   *
   * The program gets a small environment of its own and what `env` adds: never that of this process.
   * `SALLYPORT_STEP_ID` in `env` names the piece of work: whatever an earlier life of this process left
   * running under that name is ended first.
   */
  run(command: ProcessCommand, signal: AbortSignal): Promise<ProcessResult>;
}

export interface ProcessCommand {
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  /** What is kept of standard output and error each: the first and the last part of it. */
  readonly outputMaxBytes: number;
  /** Runs as an unprivileged user when this process may change its user; ignored where it may not. */
  readonly unprivileged: boolean;
  /** Files and folders that the program cannot do without, beside `argv[0]` and `cwd`. */
  readonly reads?: readonly string[];
  /** An existing folder that is given to the user that the program runs as. */
  readonly writes?: string;
}

export interface ProcessResult {
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly timedOut: boolean;
  readonly startError?: string;
  readonly stdout: string;
  readonly stderr: string;
  /** Output bytes that were not kept. */
  readonly droppedBytes: number;
  readonly elapsedMs: number;
  /** Why it ran with the rights of this process although `unprivileged` was asked for. */
  readonly rightsNote?: string;
}
