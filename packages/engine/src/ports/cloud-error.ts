import { SallyportError } from '@sallyport/core/shared/errors';

/**
 * Why the vendor's side could not do what it was asked.
 *
 * - `ALREADY_THERE`, `NOT_THERE`: a data folder that is set up already, or not yet
 * - `WRONG_PASSPHRASE`: or the key file was altered; the two cannot be told apart
 * - `KEYS_MISSING`: too few of a role's keys were at hand to sign for it
 * - `BAD_KEY_FILE`, `BROKEN_REPOSITORY`, `BROKEN_DATABASE`: a file of ours is not what we wrote
 * - `LOCKED`: another process writes the repository
 * - `UNWRITABLE`: the disk under the database is full, read-only or broken
 * - `INVALID_DEFINITION`: see the problems that `DefinitionError` lists
 * - `UNKNOWN_PACKAGE`, `UNKNOWN_PRODUCT`, `UNKNOWN_HIERARCHY`, `BAD_REQUEST`: what the operator asked for makes no sense
 *   here; `NO_FACTS`: the hierarchy has told nothing that an offer could be made of
 */
export type CloudErrorCode =
  | 'ALREADY_THERE'
  | 'BAD_KEY_FILE'
  | 'BAD_REQUEST'
  | 'BROKEN_DATABASE'
  | 'BROKEN_REPOSITORY'
  | 'INVALID_DEFINITION'
  | 'KEYS_MISSING'
  | 'LOCKED'
  | 'NOT_THERE'
  | 'NO_FACTS'
  | 'UNKNOWN_HIERARCHY'
  | 'UNKNOWN_PACKAGE'
  | 'UNKNOWN_PRODUCT'
  | 'UNWRITABLE'
  | 'WRONG_PASSPHRASE';

/** A failure on the vendor's side; the message names the cause, the place and the remedy. */
export class CloudError extends SallyportError<CloudErrorCode> {}
