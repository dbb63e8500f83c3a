import type { RepositoryLock } from '../../ports/published-repository.ts';

/** The lock of a repository that one process alone writes: work is done one after the other. */
export class MemoryRepositoryLock implements RepositoryLock {
  #tail: Promise<unknown> = Promise.resolve();

  async exclusively<T>(_purpose: string, work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const turn = this.#tail.then(() => {
      signal.throwIfAborted();
      return work();
    });
    this.#tail = turn.catch(() => undefined);
    return turn;
  }
}
