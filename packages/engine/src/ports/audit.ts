import type { EpochMs } from '@sallyport/core/shared/ids';

/** Something that somebody decided, or that followed from it by itself. Never changed, never removed. */
export interface AuditEntry {
  /** From 1, without gaps. */
  readonly sequence: number;
  readonly at: EpochMs;
  /** Who, as people know them; a component's name for what follows by itself. */
  readonly by: string;
  /** `usage-level`, `usage-report-dropped`, …: what was done. */
  readonly action: string;
  /** For people: what it came to. */
  readonly text: string;
  /** JSON-safe. */
  readonly data: Readonly<Record<string, unknown>>;
}

export interface AuditReads {
  /** The newest first. */
  entries(limit: number): readonly AuditEntry[];
}

export interface AuditWrites {
  append(entry: Omit<AuditEntry, 'sequence'>): void;
}
