import type { Vault } from '../../ports/vault.ts';
import { StorageError } from '../storage-error.ts';
import { type DiskMount, MemoryDisk } from './disk.ts';

/** Secrets on a disk in memory; never overwritten, as in every vault. */
export class MemoryVault implements Vault {
  readonly #mount: DiskMount;

  constructor(mount: DiskMount = new MemoryDisk().mount()) {
    this.#mount = mount;
  }

  async load(name: string): Promise<Uint8Array | undefined> {
    return this.#mount.read(pathOf(name))?.slice();
  }

  /** @throws {StorageError} EXISTS */
  async create(name: string, secret: Uint8Array): Promise<void> {
    const path = pathOf(name);
    if (this.#mount.has(path)) {
      throw new StorageError('EXISTS', `${path} is there already: move it away first`, { path });
    }
    this.#mount.writeDurably(path, secret.slice());
  }
}

function pathOf(name: string): string {
  return `memory:keys/${name}.key`;
}
