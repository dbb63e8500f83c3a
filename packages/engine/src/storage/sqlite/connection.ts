import { statSync } from 'node:fs';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { messageOf } from '@sallyport/core/shared/errors';
import { StorageError } from '../storage-error.ts';
import { diskProblemOf, isDamage } from './disk-problem.ts';

/** How long a statement waits for another process that writes. */
const busyTimeoutMs = 10_000;

/** SQLite's extended result codes of a broken UNIQUE or PRIMARY KEY constraint. */
const uniqueErrorCodes: ReadonlySet<number> = new Set([1555, 2067]);
const busyErrorCode = 5;

export type Row = Readonly<Record<string, unknown>>;

/**
 * One connection to a SQLite file with the settings that everything here relies on: WAL, full sync (what was
 * answered survives a power cut), foreign keys on. Statements are prepared once.
 */
export class Connection {
  readonly database: DatabaseSync;
  readonly #path: string;
  readonly #statements = new Map<string, StatementSync>();

  constructor(path: string, mode: 'read' | 'write') {
    this.#path = path;
    this.database = new DatabaseSync(path, {
      readOnly: mode === 'read',
      timeout: busyTimeoutMs,
      enableForeignKeyConstraints: true,
    });
    if (mode === 'write') {
      try {
        enterWal(this.database);
        this.database.exec('PRAGMA synchronous = FULL');
      } catch (failure) {
        this.database.close();
        throw failure;
      }
    }
  }

  get(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return this.#prepared(sql).get(...values);
  }

  all(sql: string, ...values: SQLInputValue[]): readonly Row[] {
    return this.#prepared(sql).all(...values);
  }

  /** Answers how many rows changed. */
  run(sql: string, ...values: SQLInputValue[]): number {
    return Number(this.#prepared(sql).run(...values).changes);
  }

  /**
   * Runs `work` in a transaction: all of it stays, or nothing.
   *
   * @throws {StorageError} UNWRITABLE; else what `work` throws
   */
  transaction<T>(begin: 'BEGIN' | 'BEGIN IMMEDIATE', work: () => T): T {
    try {
      this.#prepared(begin).run();
      const result = work();
      this.#prepared('COMMIT').run();
      return result;
    } catch (error) {
      // A failed COMMIT (disk full) leaves the transaction open; some errors have rolled it back already.
      if (this.database.isTransaction) {
        this.database.exec('ROLLBACK');
      }
      throw this.#explained(error);
    }
  }

  #explained(error: unknown): unknown {
    if (isDamage(error)) return damagedDatabase(this.#path, error);
    const problem = diskProblemOf(error);
    return problem === undefined
      ? error
      : new StorageError(
          'UNWRITABLE',
          `the site database ${this.#path} cannot be written: ${problem}, and what waits for it goes on by itself`,
          { path: this.#path },
          { cause: error },
        );
  }

  /** Size of the write-ahead log; 0 where there is no file for it. */
  logBytes(): number {
    return statSync(`${this.#path}-wal`, { throwIfNoEntry: false })?.size ?? 0;
  }

  close(): void {
    this.#statements.clear();
    this.database.close();
  }

  #prepared(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}

/** For a file that SQLite cannot make sense of any more, wherever that shows. */
export function damagedDatabase(path: string, cause: unknown): StorageError {
  return new StorageError(
    'UNREADABLE',
    `the database ${path} is damaged (${messageOf(cause)}): stop the server, check the disk, and put a backup into force; for a site that is "sallyport site restore --from" with the newest file of its folder "backup"`,
    { path },
    { cause },
  );
}

/** Whether SQLite refused a row because one like it is there: `columns` as its message names them. */
export function isUniqueViolation(error: unknown, columns: string): boolean {
  return (
    error instanceof Error &&
    'errcode' in error &&
    typeof error.errcode === 'number' &&
    uniqueErrorCodes.has(error.errcode) &&
    error.message.includes(columns)
  );
}

/** SQLite answers "locked" at once, without waiting, when two processes switch a new file to WAL together. */
function enterWal(database: DatabaseSync): void {
  const pause = new Int32Array(new SharedArrayBuffer(4));
  for (let attempt = 1; ; attempt += 1) {
    try {
      database.exec('PRAGMA journal_mode = WAL');
      return;
    } catch (error) {
      if (
        attempt >= 200 ||
        !(error instanceof Error && 'errcode' in error && error.errcode === busyErrorCode)
      ) {
        throw error;
      }
      Atomics.wait(pause, 0, 0, 10);
    }
  }
}
