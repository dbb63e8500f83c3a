import { SallyportError } from '../../shared/errors.ts';

/**
 * Why content could not be had, kept or made.
 *
 * The library: `NOT_HELD`; `BUSY` (somebody else writes this blob, or the queue is full); `CLOSED` (a writer or
 * pool that has ended); `DISK_FULL`, `READ_ONLY`, `NO_ACCESS`, `DISK_FAILED` (the disk says so).
 *
 * The bytes: `TOO_LARGE`, `SIZE_MISMATCH`, `HASH_MISMATCH`, `CORRUPT` (not the format it should be).
 *
 * The source: `NOT_FOUND`; `UNREACHABLE` (no connection, or it broke); `STALLED` (idle too long); `CUT_SHORT` (ended
 * early); `BAD_STATUS` (an answer nobody asked for); `BAD_RANGE` (other bytes than asked for); `REDIRECTED` (sends
 * us elsewhere); `UNOBTAINABLE` (no source has a way to it).
 *
 * `WORKER_FAILED`: a worker of the pool died.
 */
export type ContentErrorCode =
  | 'BAD_RANGE'
  | 'BAD_STATUS'
  | 'BUSY'
  | 'CLOSED'
  | 'CORRUPT'
  | 'CUT_SHORT'
  | 'DISK_FAILED'
  | 'DISK_FULL'
  | 'HASH_MISMATCH'
  | 'NOT_FOUND'
  | 'NOT_HELD'
  | 'NO_ACCESS'
  | 'READ_ONLY'
  | 'REDIRECTED'
  | 'SIZE_MISMATCH'
  | 'STALLED'
  | 'TOO_LARGE'
  | 'UNOBTAINABLE'
  | 'UNREACHABLE'
  | 'WORKER_FAILED';

/** Something went wrong with content. Cancelling is no error of this kind: it rejects with the signal's reason. */
export class ContentError extends SallyportError<ContentErrorCode> {}

/** What the way to a source can do that may be over a moment later: trying again at the same place is worth it. */
const transientCodes: ReadonlySet<ContentErrorCode> = new Set([
  'BAD_STATUS',
  'CUT_SHORT',
  'STALLED',
  'UNREACHABLE',
]);

/** Whether waiting and asking the same source again may help. */
export function isTransient(thrown: unknown): thrown is ContentError {
  return thrown instanceof ContentError && transientCodes.has(thrown.code);
}

/** Bytes that were not what their name promises, whoever is to blame. */
const wrongBytesCodes: ReadonlySet<ContentErrorCode> = new Set([
  'BAD_RANGE',
  'CORRUPT',
  'HASH_MISMATCH',
  'SIZE_MISMATCH',
  'TOO_LARGE',
]);

export function isWrongBytes(thrown: unknown): thrown is ContentError {
  return thrown instanceof ContentError && wrongBytesCodes.has(thrown.code);
}
