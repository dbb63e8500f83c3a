import { parentPort } from 'node:worker_threads';
import { ContentError, type ContentErrorCode } from '@sallyport/core/domain/content/content-error';
import type { BlobRef } from '@sallyport/core/domain/content/tree';
import type { ErrorDetail } from '@sallyport/core/shared/errors';
import { type Job, runJob } from './jobs.ts';

/** A worker's answer. An error's class does not survive the way between threads, so its parts travel. */
export type JobAnswer =
  | { readonly kind: 'done'; readonly result: BlobRef }
  | {
      readonly kind: 'failed';
      readonly code: ContentErrorCode;
      readonly message: string;
      readonly details: Readonly<Record<string, ErrorDetail>>;
    };

parentPort?.on('message', (job: Job) => {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- the parent thread, not a window
  parentPort?.postMessage(answer(job));
});

function answer(job: Job): JobAnswer {
  try {
    return { kind: 'done', result: runJob(job) };
  } catch (failure) {
    if (failure instanceof ContentError) {
      return { kind: 'failed', code: failure.code, message: failure.message, details: failure.details };
    }
    // Anything else is a mistake in this program: the pool reports the worker as failed.
    throw failure;
  }
}
