import { fileFailureOf } from '../../shared/file-failure.ts';
import { ContentError, type ContentErrorCode } from './content-error.ts';

/** Error codes of file systems that content has codes of its own for. */
const codes: Readonly<Record<string, ContentErrorCode>> = {
  ENOSPC: 'DISK_FULL',
  EDQUOT: 'DISK_FULL',
  EFBIG: 'DISK_FULL',
  EROFS: 'READ_ONLY',
  EACCES: 'NO_ACCESS',
  EPERM: 'NO_ACCESS',
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
  const { cause, remedy } = fileFailureOf(failure) ?? {
    cause: failure instanceof Error ? failure.message : String(failure),
    remedy: 'check the disk and try again',
  };
  return new ContentError(
    codes[errno] ?? 'DISK_FAILED',
    `${place} cannot be used: ${cause} (${errno}); ${remedy}`,
    { place, errno },
    { cause: failure },
  );
}
