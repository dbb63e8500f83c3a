import { SallyportError } from '@sallyport/core/shared/errors';

export type SetupErrorCode =
  | 'BAD_ANSWERS'
  | 'SITE_EXISTS'
  | 'BASELINE_UNKNOWN'
  | 'JOIN_REFUSED'
  | 'BAD_TRUST_ROOT';

/** Set-up cannot go on. Nothing that it has made so far is a site: it can be repeated. */
export class SetupError extends SallyportError<SetupErrorCode> {}
