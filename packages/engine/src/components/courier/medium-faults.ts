import { ContentError, type ContentErrorCode } from '@sallyport/core/domain/content/content-error';
import { MediumError, type MediumErrorCode } from '@sallyport/core/domain/exchange/medium-error';

/** What the disk of a medium says, and what that means to a courier. */
const ofDisk: Partial<Record<ContentErrorCode, { readonly code: MediumErrorCode; readonly remedy: string }>> =
  {
    DISK_FULL: {
      code: 'FULL',
      remedy:
        'What is written stays and counts. Take a larger medium (copy the folder to it), or write several with --max-size to another folder, and run it again',
    },
    DISK_FAILED: {
      code: 'GONE',
      remedy: 'Was it pulled out? Put it back, or take another, and run it again: it goes on where it ended',
    },
    READ_ONLY: { code: 'UNREADABLE', remedy: 'Let it be written to, and run it again' },
    NO_ACCESS: { code: 'UNREADABLE', remedy: 'Let this user write to it, and run it again' },
  };

/** Whether it is the medium that fails, and not one blob or the line. */
export function isOfDisk(error: unknown): boolean {
  return error instanceof ContentError && ofDisk[error.code] !== undefined;
}

/** A fault of the medium by its name; anything else as it is. */
export function namingMedium(error: unknown): unknown {
  if (!(error instanceof ContentError)) return error;
  const fault = ofDisk[error.code];
  if (fault === undefined) return error;
  return new MediumError(
    fault.code,
    `the medium cannot be written: ${error.message}. ${fault.remedy}`,
    error.details,
    {
      cause: error,
    },
  );
}
