import type { Table } from './report.ts';

/** What a part is handed. */
export interface BenchContext {
  /** A folder of its own, removed afterwards. */
  readonly folder: string;
  readonly signal: AbortSignal;
  /** Tells people who wait how far it is. */
  readonly say: (text: string) => void;
  /** Smaller and fewer, to see that a part works at all. Its figures mean little. */
  readonly quick: boolean;
}

export interface Part {
  readonly name: string;
  readonly run: (context: BenchContext) => Promise<readonly Table[]>;
}
