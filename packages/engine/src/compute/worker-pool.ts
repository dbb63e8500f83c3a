import { hash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { Worker } from 'node:worker_threads';
import { ContentError } from '@sallyport/core/domain/content/content-error';
import type { BlobRef } from '@sallyport/core/domain/content/tree';
import { messageOf } from '@sallyport/core/shared/errors';
import { type Digest, digest } from '@sallyport/core/shared/ids';
import type { Compute } from '../ports/compute.ts';
import type { Job } from './jobs.ts';
import type { JobAnswer } from './pool-worker.ts';

export interface WorkerPoolOptions {
  /** Threads, and so jobs at a time. 2 when not given. */
  readonly workers?: number;
  /** Jobs that may wait; more are refused with BUSY. 1,024 when not given. */
  readonly queueMax?: number;
  /** The program of a worker; bundled programs name their own. */
  readonly workerUrl?: URL;
}

interface Task {
  readonly job: Job;
  readonly resolve: (result: BlobRef) => void;
  readonly reject: (reason: unknown) => void;
}

interface Slot {
  readonly worker: Worker;
  task: Task | undefined;
  ending: boolean;
}

/**
 * `Compute` on worker threads. Threads start with the first job and keep the process alive only while they work.
 *
 * A job blocks its thread, so cancelling a running one ends the thread; the next job starts another. A thread
 * that is ending still counts, so that memory stays within what `workers` jobs need.
 */
export class WorkerPool implements Compute {
  readonly #workersMax: number;
  readonly #queueMax: number;
  readonly #workerUrl: URL;
  readonly #slots = new Set<Slot>();
  readonly #queue: Task[] = [];
  #closed = false;

  constructor(options: WorkerPoolOptions = {}) {
    this.#workersMax = options.workers ?? 2;
    this.#queueMax = options.queueMax ?? 1024;
    this.#workerUrl = options.workerUrl ?? new URL('./pool-worker.ts', import.meta.url);
  }

  async hashFile(path: string, signal: AbortSignal): Promise<BlobRef> {
    return this.#run({ kind: 'hash', source: path }, signal);
  }

  async decompressFile(work: Parameters<Compute['decompressFile']>[0], signal: AbortSignal): Promise<void> {
    await this.#run({ kind: 'decompress', ...work }, signal);
  }

  async compressFile(work: Parameters<Compute['compressFile']>[0], signal: AbortSignal): Promise<BlobRef> {
    return this.#run({ kind: 'compress', ...work }, signal);
  }

  sha256(bytes: Uint8Array): Digest {
    return digest(hash('sha256', bytes, 'hex'));
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const task of this.#queue.splice(0)) {
      task.reject(closed());
    }
    await Promise.all(
      [...this.#slots].map(async (slot) => {
        const { task } = slot;
        slot.task = undefined;
        slot.ending = true;
        task?.reject(closed());
        await (task === undefined ? slot.worker.terminate() : this.#abandon(slot, task.job));
      }),
    );
  }

  async #run(job: Job, signal: AbortSignal): Promise<BlobRef> {
    signal.throwIfAborted();
    if (this.#closed) {
      throw closed();
    }
    if (this.#queue.length >= this.#queueMax) {
      throw new ContentError(
        'BUSY',
        `${String(this.#queueMax)} jobs wait for the worker threads already: try again later`,
        {
          queueMax: this.#queueMax,
        },
      );
    }
    const { promise, resolve, reject } = Promise.withResolvers<BlobRef>();
    const task: Task = { job, resolve, reject };
    const cancel = (): void => this.#cancel(task, signal.reason);
    signal.addEventListener('abort', cancel, { once: true });
    this.#queue.push(task);
    this.#pump();
    try {
      return await promise;
    } finally {
      signal.removeEventListener('abort', cancel);
    }
  }

  #cancel(task: Task, reason: unknown): void {
    const waiting = this.#queue.indexOf(task);
    if (waiting !== -1) {
      this.#queue.splice(waiting, 1);
    }
    for (const slot of this.#slots) {
      if (slot.task === task) {
        slot.task = undefined;
        slot.ending = true;
        void this.#abandon(slot, task.job);
      }
    }
    task.reject(reason);
  }

  /** Ends a thread in the middle of a job, and then removes what it may have begun to write. */
  async #abandon(slot: Slot, job: Job): Promise<void> {
    await slot.worker.terminate();
    await removeTarget(job);
  }

  #pump(): void {
    while (this.#queue.length > 0) {
      const slot = this.#idleSlot();
      if (slot === undefined) {
        return;
      }
      const task = this.#queue.shift() as Task;
      slot.task = task;
      slot.worker.ref();
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread, not a window
      slot.worker.postMessage(task.job);
    }
  }

  #idleSlot(): Slot | undefined {
    for (const slot of this.#slots) {
      if (slot.task === undefined && !slot.ending) {
        return slot;
      }
    }
    return this.#slots.size < this.#workersMax ? this.#startSlot() : undefined;
  }

  #startSlot(): Slot {
    // Flags of this process, such as those of its test runner, are not the worker's.
    const worker = new Worker(this.#workerUrl, { execArgv: [] });
    const slot: Slot = { worker, task: undefined, ending: false };
    this.#slots.add(slot);
    worker.unref();
    worker.on('message', (answer: JobAnswer) => {
      const task = slot.task;
      slot.task = undefined;
      worker.unref();
      settle(task, answer);
      this.#pump();
    });
    worker.on('error', (failure) => this.#fail(slot, failure));
    worker.on('exit', () => {
      this.#slots.delete(slot);
      this.#fail(slot, undefined);
      this.#pump();
    });
    return slot;
  }

  #fail(slot: Slot, failure: unknown): void {
    const task = slot.task;
    slot.task = undefined;
    slot.ending = true;
    const why = failure === undefined ? 'it ended' : messageOf(failure);
    task?.reject(
      new ContentError(
        'WORKER_FAILED',
        `a worker thread failed at ${task.job.kind} of ${task.job.source}: ${why}; try again`,
        { job: task.job.kind, source: task.job.source },
        { cause: failure },
      ),
    );
  }
}

function settle(task: Task | undefined, answer: JobAnswer): void {
  if (answer.kind === 'done') {
    task?.resolve(answer.result);
  } else {
    task?.reject(new ContentError(answer.code, answer.message, answer.details));
  }
}

async function removeTarget(job: Job): Promise<void> {
  if (job.kind !== 'hash') {
    await rm(job.target, { force: true });
  }
}

function closed(): ContentError {
  return new ContentError('CLOSED', 'the worker threads have been ended: this program is stopping', {});
}
