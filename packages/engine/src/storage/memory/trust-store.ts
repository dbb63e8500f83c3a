import type { EpochMs } from '@sallyport/core/shared/ids';
import type { TrustStore } from '../../ports/trust-store.ts';
import { type DiskMount, MemoryDisk } from './disk.ts';

const folder = 'memory:trust/';
const timeFloorPath = `${folder}time-floor`;

/** Trusted metadata on a disk in memory: for tests and for looking into a medium without keeping it. */
export class MemoryTrustStore implements TrustStore {
  readonly #mount: DiskMount;

  constructor(mount: DiskMount = new MemoryDisk().mount()) {
    this.#mount = mount;
  }

  async load(role: string): Promise<Uint8Array | undefined> {
    return this.#mount.read(roleKey(role))?.slice();
  }

  async save(role: string, bytes: Uint8Array): Promise<void> {
    this.#mount.writeDurably(roleKey(role), bytes.slice());
  }

  async loadRoot(version: number): Promise<Uint8Array | undefined> {
    return this.#mount.read(rootKey(version))?.slice();
  }

  async saveRoot(version: number, bytes: Uint8Array): Promise<void> {
    this.#mount.writeDurably(rootKey(version), bytes.slice());
    await this.save('root', bytes);
  }

  async timeFloor(): Promise<EpochMs> {
    const bytes = this.#mount.read(timeFloorPath);
    return bytes === undefined ? 0 : Number(new TextDecoder().decode(bytes));
  }

  async raiseTimeFloor(time: EpochMs): Promise<void> {
    const floor = Math.floor(time);
    if (floor > (await this.timeFloor())) {
      this.#mount.writeDurably(timeFloorPath, new TextEncoder().encode(String(floor)));
    }
  }
}

function roleKey(role: string): string {
  return `${folder}role/${role}`;
}

function rootKey(version: number): string {
  return `${folder}root/${String(version)}`;
}
