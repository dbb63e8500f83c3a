import { SallyportError } from '@sallyport/core/shared/errors';

/**
 * Why something that an administrator asked for was refused. Nothing was changed.
 *
 * - `NOT_FOUND`, `AMBIGUOUS`: the package or site named does not exist, or several packages bear the version
 * - `NOT_TOP_TIER`: only the top-tier site decides this
 * - `NOT_ALLOWED`: not in the state that the package is in; `NOT_AVAILABLE`: selection says no
 * - `NOT_DOWNLOADED`: the content is not here yet
 * - `LICENCE_NOT_ACCEPTED`, `WARNINGS_NOT_CONSENTED`: somebody's word is missing
 * - `INSTALL_RUNNING`: another package is being installed in the hierarchy
 * - `OFFLINE`: the vendor is reached by media only
 */
export type OperationErrorCode =
  | 'AMBIGUOUS'
  | 'INSTALL_RUNNING'
  | 'LICENCE_NOT_ACCEPTED'
  | 'NOT_ALLOWED'
  | 'NOT_AVAILABLE'
  | 'NOT_DOWNLOADED'
  | 'NOT_FOUND'
  | 'NOT_TOP_TIER'
  | 'OFFLINE'
  | 'WARNINGS_NOT_CONSENTED';

/** A refusal, with its cause and what to do about it. */
export class OperationError extends SallyportError<OperationErrorCode> {}
