import { chmod, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ScratchFolders } from '../../ports/scratch.ts';

const plainName = /^[0-9A-Za-z][0-9A-Za-z._-]{0,127}$/;

/** Scratch folders under one folder of the site. Owner-only, until a program's user is given one of them. */
export class FileScratchFolders implements ScratchFolders {
  readonly #root: string;

  constructor(folder: string) {
    this.#root = folder;
  }

  async open(name: string): Promise<string> {
    const path = this.#pathOf(name);
    await mkdir(this.#root, { recursive: true });
    // Whatever the umask: others may pass through to the folder that is theirs, and see nothing on the way.
    await chmod(this.#root, 0o711);
    await mkdir(path, { recursive: true, mode: 0o700 });
    return path;
  }

  async remove(name: string): Promise<void> {
    await rm(this.#pathOf(name), { recursive: true, force: true });
  }

  #pathOf(name: string): string {
    if (!plainName.test(name)) throw new RangeError(`"${name}" is no plain name for a scratch folder`);
    return join(this.#root, name);
  }
}
