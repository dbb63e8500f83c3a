import { SallyportError } from '../../shared/errors.ts';

/**
 * Why something signed was not believed.
 *
 * - `BAD_SIGNATURE`: a key of the role signed, but not these bytes; `BELOW_THRESHOLD`: too few of its keys signed
 * - `ROLLED_BACK`: older than what is trusted already; `WRONG_VERSION`: not the version asked for
 * - `MISMATCH`, `TOO_LARGE`: not the length or digest that trusted metadata names (mixed or altered files)
 * - `NOT_FOUND`: the repository lacks a file that trusted metadata names
 * - `UNKNOWN_ROLE`: nobody trusted delegates to the role, or the snapshot does not list it
 * - `NO_ROOT`: no trust root was pinned here
 * - `TOO_MANY_ROOTS`, `TOO_MANY_ROLES`: a sanity limit, against endless work
 * - `OUT_OF_ORDER`: a mistake of the caller, never of the repository
 */
export type TrustErrorCode =
  | 'BAD_SIGNATURE'
  | 'BELOW_THRESHOLD'
  | 'EXPIRED'
  | 'MALFORMED'
  | 'MISMATCH'
  | 'NO_ROOT'
  | 'NOT_FOUND'
  | 'OUT_OF_ORDER'
  | 'ROLLED_BACK'
  | 'TOO_LARGE'
  | 'TOO_MANY_ROLES'
  | 'TOO_MANY_ROOTS'
  | 'UNKNOWN_ROLE'
  | 'WRONG_TYPE'
  | 'WRONG_VERSION';

/** Something signed that was not believed; whatever was trusted before stays trusted. */
export class TrustError extends SallyportError<TrustErrorCode> {}
