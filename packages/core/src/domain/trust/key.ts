/** Names a key within the document that lists it; opaque, and unique there. */
export type KeyId = string;

/** A public key as metadata lists it. A type or scheme that nobody knows here verifies nothing. */
export interface TrustKey {
  /** `ed25519`, `ecdsa`, `ecdsa-sha2-nistp256`, `ecdsa-sha2-nistp384` or `rsa`. */
  readonly keyType: string;
  /** `ed25519`, `ecdsa-sha2-nistp256`, `ecdsa-sha2-nistp384` or `rsassa-pss-sha256`. */
  readonly scheme: string;
  /** Hexadecimal bytes (ed25519) or PEM. */
  readonly publicValue: string;
}

/** Whether `signature` over exactly `message` was made by `key`; false, never an error, for anything unusable. */
export type SignatureCheck = (key: TrustKey, signature: Uint8Array, message: Uint8Array) => boolean;

/** Digests that may vouch for a file. */
export type DigestAlgorithm = 'sha256' | 'sha512';

/** The digest of `bytes` in lower-case hexadecimal. */
export type DigestOf = (algorithm: DigestAlgorithm, bytes: Uint8Array) => string;

/** Digests known here, the preferred one first. */
export const digestAlgorithms: readonly DigestAlgorithm[] = ['sha256', 'sha512'];

/** The keys that speak for a role, and how many of them it takes. */
export interface RoleKeys {
  readonly keyIds: readonly KeyId[];
  readonly threshold: number;
}
