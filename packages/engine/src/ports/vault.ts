/** Keeps private keys. Names are plain (`link`, `operating`); values are PKCS#8 DER. Owner-only files at rest. */
export interface Vault {
  load(name: string): Promise<Uint8Array | undefined>;
  /** Durable before it resolves; never overwrites. */
  create(name: string, secret: Uint8Array): Promise<void>;
}
