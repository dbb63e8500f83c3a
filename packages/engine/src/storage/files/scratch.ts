import { chmod, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ScratchFolders } from '../../ports/scratch.ts';
import { onDisk } from './on-disk.ts';

const plainName = /^[0-9A-Za-z][0-9A-Za-z._-]{0,127}$/;

/** Scratch folders under one folder of the site. Owner-only, until a program's user is given one of them. */
export class FileScratchFolders implements ScratchFolders {
  readonly #root: string;
  /** What the disk would not remove: tried again with the next removal. */
  readonly #left = new Set<string>();

  constructor(folder: string) {
    this.#root = folder;
  }

  async open(name: string): Promise<string> {
    const path = this.#pathOf(name);
    return onDisk(path, async () => {
      await mkdir(this.#root, { recursive: true });
      // Whatever the umask: others may pass through to the folder that is theirs, and see nothing on the way.
      await chmod(this.#root, 0o711);
      await mkdir(path, { recursive: true, mode: 0o700 });
      this.#left.delete(path);
      return path;
    });
  }

  async remove(name: string): Promise<void> {
    this.#left.add(this.#pathOf(name));
    for (const path of this.#left) {
      await onDisk(path, () => rm(path, { recursive: true, force: true }));
      this.#left.delete(path);
    }
  }

  #pathOf(name: string): string {
    if (!plainName.test(name)) throw new RangeError(`"${name}" is no plain name for a scratch folder`);
    return join(this.#root, name);
  }
}
