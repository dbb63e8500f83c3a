/** The only way to chance, for jitter, identifiers and keys' nonces. */
export interface Random {
  /** Uniform in [0, 1). */
  fraction(): number;
  bytes(count: number): Uint8Array;
  uuid(): string;
}
