import { SallyportError } from '@sallyport/core/shared/errors';

/**
 * `NEWER_SCHEMA`, `WRONG_SITE`, `UNREADABLE`: the database is not one this program can use. `NESTED`: work of a
 * transaction began another. `FOLDER_IN_USE`: another server runs on the data folder. `EXISTS`, `EXPOSED`,
 * `BAD_NAME`: a secret that would be overwritten, that others may read, or that has no usable name. `UNWRITABLE`: the
 * disk is full, read-only or broken, or not ours to write. `NO_BACKUP`: the backup to restore cannot be read.
 * `EPOCH_LIMIT`: the site would begin a higher epoch than there may be.
 * `FOREIGN_FOLDER`: a folder to set something up in holds what is not ours.
 */
export type StorageErrorCode =
  | 'NEWER_SCHEMA'
  | 'WRONG_SITE'
  | 'UNREADABLE'
  | 'NESTED'
  | 'UNWRITABLE'
  | 'CLOSED'
  | 'FOLDER_IN_USE'
  | 'FOREIGN_FOLDER'
  | 'EXISTS'
  | 'EXPOSED'
  | 'BAD_NAME'
  | 'NO_BACKUP'
  | 'EPOCH_LIMIT';

/** A file or database of the site's data folder that cannot be used as it is. */
export class StorageError extends SallyportError<StorageErrorCode> {}
