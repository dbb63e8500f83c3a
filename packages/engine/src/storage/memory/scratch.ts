import type { ScratchFolders } from '../../ports/scratch.ts';
import type { DiskMount } from './disk.ts';

/** Scratch folders on a disk in memory, each there from its first use until it is removed. */
export class MemoryScratchFolders implements ScratchFolders {
  readonly #mount: DiskMount;

  constructor(mount: DiskMount) {
    this.#mount = mount;
  }

  async open(name: string): Promise<string> {
    const path = `memory:scratch/${name}`;
    if (!this.#mount.has(`${path}/`)) this.#mount.write(`${path}/`, new Uint8Array());
    return path;
  }

  async remove(name: string): Promise<void> {
    this.#mount.remove(`memory:scratch/${name}`);
  }
}
