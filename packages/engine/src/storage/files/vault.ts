import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { diskFailure } from '@sallyport/core/domain/content/disk-failure';
import type { Vault } from '../../ports/vault.ts';
import { StorageError } from '../storage-error.ts';
import { createFileDurably } from './create-file.ts';
import { isMissing } from './file-errors.ts';
import { onDisk } from './on-disk.ts';

const namePattern = /^[a-z][a-z0-9-]{0,62}$/;
/** Far above any private key: whatever is longer is none. */
const secretMaxBytes = 65_536;

/** Private keys in a folder that only its owner may enter, one file each: `<name>.key`. */
export class FileVault implements Vault {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * @throws {StorageError} BAD_NAME, EXPOSED when others may read the file, UNREADABLE
   */
  async load(name: string): Promise<Uint8Array | undefined> {
    const path = this.#pathOf(name);
    let handle;
    try {
      handle = await open(path, 'r');
    } catch (cause) {
      if (isMissing(cause)) {
        return undefined;
      }
      throw diskFailure(cause, path);
    }
    try {
      const { mode, size } = await handle.stat();
      // Windows has no such bits: there the folder's access list decides.
      if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
        throw new StorageError(
          'EXPOSED',
          `the private key ${path} can be read by others: run "chmod 600" on it, and replace the key if somebody else may have read it`,
          { path },
        );
      }
      if (size === 0 || size > secretMaxBytes) {
        throw new StorageError('UNREADABLE', `${path} holds no private key: restore it from a backup`, {
          path,
          size,
        });
      }
      return await onDisk(path, () => handle.readFile());
    } finally {
      await handle.close();
    }
  }

  /**
   * @throws {StorageError} BAD_NAME, EXISTS
   * @throws {ContentError} DISK_FULL, READ_ONLY, NO_ACCESS, DISK_FAILED
   */
  async create(name: string, secret: Uint8Array): Promise<void> {
    const path = this.#pathOf(name);
    await createFileDurably(path, secret);
  }

  #pathOf(name: string): string {
    if (!namePattern.test(name)) {
      throw new StorageError(
        'BAD_NAME',
        `"${name}" cannot name a private key: use lower-case letters, digits and hyphens`,
        { name },
      );
    }
    return join(this.#folder, `${name}.key`);
  }
}
