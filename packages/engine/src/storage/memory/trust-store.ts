import type { EpochMs } from '@sallyport/core/shared/ids';
import type { TrustStore } from '../../ports/trust-store.ts';

/** Trusted metadata for as long as the process lives: for tests and for looking into a medium without keeping it. */
export class MemoryTrustStore implements TrustStore {
  readonly #roles = new Map<string, Uint8Array>();
  readonly #roots = new Map<number, Uint8Array>();
  #timeFloorMs: EpochMs = 0;

  async load(role: string): Promise<Uint8Array | undefined> {
    return this.#roles.get(role)?.slice();
  }

  async save(role: string, bytes: Uint8Array): Promise<void> {
    this.#roles.set(role, bytes.slice());
  }

  async loadRoot(version: number): Promise<Uint8Array | undefined> {
    return this.#roots.get(version)?.slice();
  }

  async saveRoot(version: number, bytes: Uint8Array): Promise<void> {
    this.#roots.set(version, bytes.slice());
    await this.save('root', bytes);
  }

  async timeFloor(): Promise<EpochMs> {
    return this.#timeFloorMs;
  }

  async raiseTimeFloor(time: EpochMs): Promise<void> {
    this.#timeFloorMs = Math.max(this.#timeFloorMs, Math.floor(time));
  }
}
