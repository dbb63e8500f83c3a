import { SallyportError } from '../../shared/errors.ts';

/**
 * Why a step of an update was refused.
 *
 * - `ILLEGAL_TRANSITION`: the package is in a state in which the event cannot happen
 * - `SEQUENCE_CONFLICT`: another event came first, or the attempt has been replaced
 * - `INSTALL_RUNNING`: another package is being installed at the site
 * - `INVALID_EVENT`: an event of another package or site, or one that lacks what its name needs
 * - `RULE_TOO_LARGE`: a rule with more nodes or levels than `ruleLimits` allow
 */
export type UpdateErrorCode =
  | 'ILLEGAL_TRANSITION'
  | 'INSTALL_RUNNING'
  | 'INVALID_EVENT'
  | 'RULE_TOO_LARGE'
  | 'SEQUENCE_CONFLICT';

/** An event, order or rule that cannot be accepted; nothing was changed. */
export class UpdateError extends SallyportError<UpdateErrorCode> {}
