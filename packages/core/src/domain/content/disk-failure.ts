import { ContentError, type ContentErrorCode } from './content-error.ts';

/** Error codes of file systems that say what to do. */
const known: Readonly<
  Record<string, { readonly code: ContentErrorCode; readonly cause: string; readonly remedy: string }>
> = {
  ENOSPC: { code: 'DISK_FULL', cause: 'the disk is full', remedy: 'make room on it and try again' },
  EDQUOT: {
    code: 'DISK_FULL',
    cause: "the user's disk quota is used up",
    remedy: 'raise it or make room, and try again',
  },
  EFBIG: {
    code: 'DISK_FULL',
    cause: 'the file is larger than this disk or user may hold',
    remedy: 'raise the limit and try again',
  },
  EROFS: {
    code: 'READ_ONLY',
    cause: 'the disk is mounted read-only',
    remedy: 'mount it for writing and check it for faults',
  },
  EACCES: {
    code: 'NO_ACCESS',
    cause: 'this user may not',
    remedy: 'let the user that runs this program own the folder',
  },
  EPERM: {
    code: 'NO_ACCESS',
    cause: 'this user may not',
    remedy: 'let the user that runs this program own the folder',
  },
};

/**
 * A failed file operation on content as the error to throw: cause, place and remedy by name.
 * Errors that say that already stay as they are.
 *
 * @param place the file or folder at which it failed
 */
export function diskFailure(failure: unknown, place: string): ContentError {
  if (failure instanceof ContentError) {
    return failure;
  }
  const errno = failure instanceof Error && 'code' in failure ? String(failure.code) : 'unknown';
  const { code, cause, remedy } = known[errno] ?? {
    code: 'DISK_FAILED',
    cause: failure instanceof Error ? failure.message : String(failure),
    remedy: 'check the disk and try again',
  };
  return new ContentError(
    code,
    `cannot keep content at ${place}: ${cause} (${errno}); ${remedy}`,
    { place, errno },
    { cause: failure },
  );
}
