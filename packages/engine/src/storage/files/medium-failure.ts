import { MediumError, type MediumErrorCode } from '@sallyport/core/domain/exchange/medium-error';
import { SallyportError } from '@sallyport/core/shared/errors';
import { fileFailureOf } from '@sallyport/core/shared/file-failure';
import { fileErrorCode } from './file-errors.ts';

const codes: Readonly<Record<string, MediumErrorCode>> = {
  ENOSPC: 'FULL',
  EDQUOT: 'FULL',
  EFBIG: 'FULL',
  EEXIST: 'EXISTS',
  EIO: 'GONE',
  ENODEV: 'GONE',
  ENXIO: 'GONE',
  ESTALE: 'GONE',
  ELOOP: 'UNSAFE',
};

/** A failed file operation on a medium or request file as the error to throw: cause, place and remedy by name. */
function mediumFailure(failure: unknown, place: string): unknown {
  if (failure instanceof SallyportError || fileErrorCode(failure) === undefined) return failure;
  const errno = fileErrorCode(failure) ?? '';
  const { cause, remedy } = fileFailureOf(failure) ?? {
    cause: failure instanceof Error ? failure.message : String(failure),
    remedy: 'check the disk and try again',
  };
  return new MediumError(
    codes[errno] ?? 'UNREADABLE',
    `${place} cannot be used: ${cause} (${errno}); ${remedy}`,
    { place, errno },
    { cause: failure },
  );
}

/** Runs file operations; what the file system says becomes a MediumError. */
export async function onMedium<T>(place: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (failure) {
    throw mediumFailure(failure, place);
  }
}
