import { accessSync, closeSync, constants, existsSync, openSync } from 'node:fs';
import { onDiskSync } from './on-disk.ts';

/**
 * Sees that a file is there and may be written, making an empty one where there is none: for files that SQLite opens,
 * which would only say that it cannot. A file that is there is not opened for that: closing it again would take away
 * the locks that this process holds on it.
 *
 * @throws {ContentError} DISK_FULL, READ_ONLY, NO_ACCESS, DISK_FAILED
 */
export function requireWritableFile(path: string): void {
  onDiskSync(path, () => {
    if (existsSync(path)) accessSync(path, constants.W_OK);
    else closeSync(openSync(path, 'a'));
  });
}
