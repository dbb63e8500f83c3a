import { SallyportError } from '../../shared/errors.ts';

/**
 * `FORK`: two histories under one version: somebody went on from an old copy. `NOT_ALLOWED`: a site wrote what is
 * not its to write. `HASH_MISMATCH` and `MALFORMED`: damaged or forged on the way.
 */
export type RecordErrorCode = 'FORK' | 'NOT_ALLOWED' | 'HASH_MISMATCH' | 'MALFORMED';

/** A replicated record, or a batch of them, that must not be applied. */
export class RecordError extends SallyportError<RecordErrorCode> {}
