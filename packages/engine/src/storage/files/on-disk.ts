import { statfs } from 'node:fs/promises';
import { ContentError } from '@sallyport/core/domain/content/content-error';
import { diskFailure } from '@sallyport/core/domain/content/disk-failure';
import { SallyportError } from '@sallyport/core/shared/errors';
import { formatBytes } from '@sallyport/core/shared/units';
import { fileErrorCode } from './file-errors.ts';

/** Codes of the operating system; Node's own (`ERR_INVALID_ARG_TYPE`, `ABORT_ERR`) are no word of the disk. */
const systemCode = /^E[A-Z0-9]+$/;

/**
 * Runs file operations; what the file system says becomes a ContentError that names `place` and what to do. Everything else
 * comes out as it is: errors that say so already, and what a signal was aborted with.
 */
export async function onDisk<T>(place: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (failure) {
    throw explained(failure, place);
  }
}

/** As `onDisk`, for work that waits for the disk. */
export function onDiskSync<T>(place: string, work: () => T): T {
  try {
    return work();
  } catch (failure) {
    throw explained(failure, place);
  }
}

/**
 * Runs work that needs room for `sizeBytes` in a folder: a full disk is told with how much that is, and how much is free.
 */
export async function needingRoom<T>(
  folder: string,
  { what, sizeBytes }: { readonly what: string; readonly sizeBytes: number },
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (failure) {
    if (!(failure instanceof ContentError) || failure.code !== 'DISK_FULL') throw failure;
    const disk = await statfs(folder).catch(() => undefined);
    const free = disk === undefined ? '' : `, and ${formatBytes(disk.bavail * disk.bsize)} are free`;
    throw new ContentError(
      'DISK_FULL',
      `${failure.message}: ${what} takes ${formatBytes(sizeBytes)}${free}`,
      { ...failure.details, neededBytes: sizeBytes },
      { cause: failure },
    );
  }
}

function explained(failure: unknown, place: string): unknown {
  if (failure instanceof SallyportError) return failure;
  return systemCode.test(fileErrorCode(failure) ?? '') ? diskFailure(failure, place) : failure;
}
