import { SallyportError } from '../../shared/errors.ts';

/**
 * `FORGED`: a document that the hierarchy's keys did not make. `OLDER`: one that has been replaced already.
 * `BAD_ROSTER`: a signed roster that cannot be followed. `NOT_JOINED`: this site belongs to no hierarchy yet.
 * `WRONG_KEY`: a private key that does not speak for the hierarchy. `NOT_TOP_TIER`, `UNKNOWN_SITE`,
 * `ALREADY_REVOKED`, `PLACEMENT`: changes that cannot be made. `READ_ONLY`: this site is an old copy of the top-tier
 * site and signs nothing. `BAD_TOKEN`: a join token that cannot be read.
 * `BAD_ADDRESS`: a place where no site can be reached.
 */
export type HierarchyErrorCode =
  | 'FORGED'
  | 'OLDER'
  | 'BAD_ROSTER'
  | 'NOT_JOINED'
  | 'WRONG_KEY'
  | 'NOT_TOP_TIER'
  | 'UNKNOWN_SITE'
  | 'ALREADY_REVOKED'
  | 'PLACEMENT'
  | 'READ_ONLY'
  | 'BAD_ADDRESS'
  | 'BAD_TOKEN';

/** A hierarchy's keys, roster or joining: something that must not be believed or cannot be done. */
export class HierarchyError extends SallyportError<HierarchyErrorCode> {}
