import type { EpochMs } from '@sallyport/core/shared/ids';

/** Copies of the site database, made before something is about to change it. */
export interface DatabaseBackups {
  /**
   * Makes `<name>.db`, consistent and durable before it resolves; replaces one of that name. Removes the
   * oldest beyond the number that is kept, never the one just made. Answers the file's path.
   */
  make(name: string): Promise<string>;
  /** The copies that are kept, by name. */
  list(): Promise<readonly KeptBackup[]>;
}

export interface KeptBackup {
  readonly bytes: number;
  /** When it was made; absent where files have no times. */
  readonly at?: EpochMs;
}
