import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import process from 'node:process';
import { DatabaseSync } from 'node:sqlite';
import { CloudError } from '../../../ports/cloud-error.ts';
import type { Clock } from '../../../ports/clock.ts';
import type { RepositoryLock } from '../../../ports/published-repository.ts';
import { sweepTemporaries, temporaryStart, writeFileDurably } from '../../files/durable-file.ts';
import { requireWritableFile } from '../../files/writable-file.ts';
import { errorCodeOf, sqliteBusy } from './sqlite-errors.ts';

const retryMs = 50;

/**
 * A lock that the operating system takes back from a process that dies: the exclusive lock of an empty SQLite
 * file. Within one process, work is done one after the other.
 */
export class SqliteRepositoryLock implements RepositoryLock {
  readonly #path: string;
  readonly #clock: Clock;
  readonly #waitMaxMs: number;
  #tail: Promise<unknown> = Promise.resolve();

  /** @param path the lock's file, made when it is not there; its folder must be */
  constructor(path: string, clock: Clock, options: { readonly waitMaxMs?: number } = {}) {
    this.#path = path;
    this.#clock = clock;
    this.#waitMaxMs = options.waitMaxMs ?? 60_000;
  }

  async exclusively<T>(purpose: string, work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const turn = this.#tail.then(() => this.#locked(purpose, work, signal));
    this.#tail = turn.catch(() => undefined);
    return turn;
  }

  async #locked<T>(purpose: string, work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    requireWritableFile(this.#path);
    const database = new DatabaseSync(this.#path, { timeout: 0 });
    try {
      await this.#acquire(database, signal);
      // Left by holders that were killed while they wrote it.
      await sweepTemporaries(dirname(this.#path), temporaryStart(this.#holderPath));
      await writeFileDurably(this.#holderPath, Buffer.from(`process ${process.pid}, to ${purpose}`));
      return await work();
    } finally {
      // Closing ends the transaction, and with it the lock.
      database.close();
    }
  }

  async #acquire(database: DatabaseSync, signal: AbortSignal): Promise<void> {
    for (let waitedMs = 0; ; waitedMs += retryMs) {
      signal.throwIfAborted();
      try {
        database.exec('BEGIN EXCLUSIVE');
        return;
      } catch (error) {
        if (errorCodeOf(error) !== sqliteBusy) {
          throw error;
        }
        if (waitedMs >= this.#waitMaxMs) {
          throw await this.#lockedError(error);
        }
      }
      await this.#clock.sleep(retryMs, signal);
    }
  }

  async #lockedError(cause: unknown): Promise<CloudError> {
    const holder = await readFile(this.#holderPath, 'utf8').catch(() => 'another process');
    return new CloudError(
      'LOCKED',
      `the repository is being written by ${holder} (lock ${this.#path}): wait until it is done, or end it, and try again`,
      { place: this.#path, holder },
      { cause },
    );
  }

  get #holderPath(): string {
    return `${this.#path}.holder`;
  }
}
