import type { Vault } from '../src/ports/vault.ts';

/** Secrets in memory; never overwritten, as in every vault. */
export class MemoryVault implements Vault {
  readonly #secrets = new Map<string, Uint8Array>();

  load(name: string): Promise<Uint8Array | undefined> {
    return Promise.resolve(this.#secrets.get(name));
  }

  create(name: string, secret: Uint8Array): Promise<void> {
    if (this.#secrets.has(name)) {
      return Promise.reject(new Error(`${name} exists`));
    }
    this.#secrets.set(name, secret);
    return Promise.resolve();
  }
}
