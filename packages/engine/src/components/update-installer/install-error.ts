import { messageOf, SallyportError } from '@sallyport/core/shared/errors';

/**
 * Why an install ended without success. The code is part of the event `install-failed`.
 *
 * - `STAGE_FAILED`, `BACKUP_FAILED`, `SWITCH_FAILED`: files or disk; the reason says which
 * - `HOOK_FAILED`, `HEALTH_CHECK_FAILED`: a program of the package
 * - `STOPPED`: the package was withdrawn or its roll-out stopped
 * - `NO_DESCRIPTOR`: the site's trusted catalogue does not name the package any more
 * - `STEP_FAILED`: something that nobody foresaw; the reason is all that is known
 * - `ALREADY_INSTALLED`: a baseline is only for a site that does not have the product
 */
export type InstallErrorCode =
  | 'ALREADY_INSTALLED'
  | 'BACKUP_FAILED'
  | 'HEALTH_CHECK_FAILED'
  | 'HOOK_FAILED'
  | 'NO_DESCRIPTOR'
  | 'STAGE_FAILED'
  | 'STEP_FAILED'
  | 'STOPPED'
  | 'SWITCH_FAILED';

/** An install, or the set-up of a baseline, that failed. `details.output` is the end of what a program printed. */
export class InstallError extends SallyportError<InstallErrorCode> {}

/**
 * Does work on files and disks: whatever goes wrong there becomes an `InstallError` that begins with `what` and says
 * where. A wish to stop passes through as it is.
 */
export async function failingAs(
  code: InstallErrorCode,
  what: string,
  signal: AbortSignal,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (failure) {
    signal.throwIfAborted();
    throw new InstallError(code, `${what}: ${messageOf(failure)}`, {}, { cause: failure });
  }
}
