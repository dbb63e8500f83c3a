/**
 * What a vendor publishes, as any static web server could serve it: `metadata/` and `targets/` of a TUF
 * repository with consistent snapshots. Names are those of the repository; bytes are what was signed.
 *
 * Every write is durable and atomic: after a crash a name has its old bytes, its new ones, or none.
 */
export interface PublishedRepository {
  /** For messages: where it is. */
  readonly name: string;
  /** A metadata file (`timestamp.json`, `3.root.json`), or undefined. @throws {CloudError} BROKEN_REPOSITORY when it is larger than any of ours */
  metadata(name: string): Promise<Uint8Array | undefined>;
  /** A target file by its path in the repository, digest in its name included; or undefined. */
  target(path: string): Promise<Uint8Array | undefined>;
  putMetadata(name: string, bytes: Uint8Array): Promise<void>;
  putTarget(path: string, bytes: Uint8Array): Promise<void>;
}

/** Keeps two processes from writing one repository at a time. */
export interface RepositoryLock {
  /**
   * Runs `work` while nobody else holds the lock, waiting for it at most a fixed while. A holder that dies
   * gives it up by dying.
   *
   * @param purpose for the message that somebody else gets who waits in vain
   * @throws {CloudError} LOCKED
   */
  exclusively<T>(purpose: string, work: () => Promise<T>, signal: AbortSignal): Promise<T>;
}
