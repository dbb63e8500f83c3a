import { SallyportError } from '@sallyport/core/shared/errors';

/** `NOT_A_KEY`: that is no X25519 key. `NOT_OPENED`: it was sealed to another key, or altered. */
export type SealingErrorCode = 'NOT_A_KEY' | 'NOT_OPENED';

/** Bytes that could not be sealed or opened. */
export class SealingError extends SallyportError<SealingErrorCode> {}

/** HPKE (RFC 9180), base mode: X25519, HKDF-SHA256, AES-256-GCM. Anybody can seal; one key opens. */
export interface Sealing {
  /** Makes a private key: PKCS#8 DER, as the vault keeps them. */
  generate(): Uint8Array;
  /** The raw public key, in lower-case hexadecimal. @throws {SealingError} NOT_A_KEY */
  publicKeyOf(secret: Uint8Array): string;
  /** Two calls never give the same bytes. `to` is a raw public key in hexadecimal. @throws {SealingError} NOT_A_KEY */
  seal(to: string, info: string, plaintext: Uint8Array): Promise<SealedBytes>;
  /** @throws {SealingError} NOT_A_KEY, NOT_OPENED */
  open(secret: Uint8Array, info: string, sealed: SealedBytes): Promise<Uint8Array>;
}

export interface SealedBytes {
  /** The encapsulated key, 32 bytes. */
  readonly key: Uint8Array;
  readonly ciphertext: Uint8Array;
}
