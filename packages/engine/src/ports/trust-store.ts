import type { EpochMs } from '@sallyport/core/shared/ids';

/**
 * Where verified metadata is kept, byte-identical to what was served. Each write is durable and atomic: after a
 * crash the role has its old bytes or its new ones. The store judges nothing: callers save only what verified, and
 * verify again what they load.
 */
export interface TrustStore {
  /**
   * Runs `work`, which loads, judges and saves, while no other process does the same here: one that judged by what was
   * stored before could take the store back to an older version. Calls within one process do not wait for each
   * other. Missing where no other process can reach the store.
   *
   * @throws {StorageError} FOLDER_IN_USE, at once
   */
  readonly exclusively?: <T>(work: () => Promise<T>) => Promise<T>;
  /** The newest trusted bytes of a role (`root`, `timestamp`, `snapshot`, `targets` or a delegated role's name). */
  load(role: string): Promise<Uint8Array | undefined>;
  /** Replaces a role's bytes. For root use `saveRoot`, so that no version is lost. */
  save(role: string, bytes: Uint8Array): Promise<void>;
  /** A root version from the history: every root that was ever saved is there. */
  loadRoot(version: number): Promise<Uint8Array | undefined>;
  /** Adds a root version to the history, then makes it the role `root`. */
  saveRoot(version: number, bytes: Uint8Array): Promise<void>;
  /** The newest signed time that was recorded; 0 before the first. */
  timeFloor(): Promise<EpochMs>;
  /** Raises the floor; a time at or below it changes nothing. */
  raiseTimeFloor(time: EpochMs): Promise<void>;
}
