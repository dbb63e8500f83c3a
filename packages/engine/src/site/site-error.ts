import { SallyportError } from '@sallyport/core/shared/errors';

/**
 * - `KEY_MISSING`: a key that the site cannot be without is not in its vault
 * - `BASELINE_UNKNOWN`, `NOT_TRUSTED`: a release to begin with that nobody vouches for
 * - `BASELINE_DIFFERS`: an unfinished set-up had begun with another release
 */
export type SiteErrorCode = 'BASELINE_DIFFERS' | 'BASELINE_UNKNOWN' | 'KEY_MISSING' | 'NOT_TRUSTED';

/** A site server that cannot be put together from what is there. */
export class SiteError extends SallyportError<SiteErrorCode> {}
