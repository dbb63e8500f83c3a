import { SallyportError } from '@sallyport/core/shared/errors';

export type KeyErrorCode = 'NOT_A_KEY' | 'WRONG_PASSPHRASE';

/** A private key that cannot be used. */
export class KeyError extends SallyportError<KeyErrorCode> {}
