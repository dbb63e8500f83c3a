/** One private key that can sign. Ed25519: the same message always gives the same signature. */
export interface Signer {
  /** The raw public key (32 bytes), in lower-case hexadecimal. */
  readonly publicKey: string;
  sign(message: Uint8Array): Uint8Array;
}

/** Makes and opens Ed25519 private keys. Secrets are PKCS#8 DER, as the vault keeps them. */
export interface Keys {
  generate(): Uint8Array;
  /** @throws {KeyError} NOT_A_KEY */
  open(secret: Uint8Array): Signer;
  /** The secret as PEM text, encrypted under a passphrase: what an administrator keeps offline. */
  seal(secret: Uint8Array, passphrase: string): string;
  /** @throws {KeyError} WRONG_PASSPHRASE, NOT_A_KEY */
  unseal(pem: string, passphrase: string): Uint8Array;
  /** HMAC-SHA-256, in lower-case hexadecimal. */
  mac(secret: Uint8Array, message: Uint8Array): string;
}
