/** Files of named parts: what a courier carries to the vendor is one of them. */
export interface PartArchives {
  /**
   * Writes a new file, part by part as `write` adds them. It appears whole and durable, or not at all, and never replaces
   * another. @throws {MediumError} EXISTS, FULL, UNREADABLE
   */
  create(
    path: string,
    write: (add: (name: string, bytes: Uint8Array) => Promise<void>) => Promise<void>,
  ): Promise<void>;
  /** @throws {MediumError} NOT_A_REQUEST, TRUNCATED, EDITED, UNREADABLE */
  open(path: string): Promise<PartArchive>;
}

export interface PartArchive {
  readonly path: string;
  readonly parts: readonly { readonly name: string; readonly sizeBytes: number }[];
  /** A whole part; undefined when there is none of that name. @throws {MediumError} EDITED above `maxBytes`, TRUNCATED, GONE */
  read(name: string, maxBytes: number): Promise<Uint8Array | undefined>;
  close(): Promise<void>;
}

/** A folder that others may have written: what is read of it are plain files in plain folders, within limits. */
export interface MediumFolder {
  /** For people. */
  readonly place: string;
  /** Undefined when there is no such file. @throws {MediumError} UNSAFE, EDITED above `maxBytes`, GONE, UNREADABLE */
  read(path: string, maxBytes: number): Promise<Uint8Array | undefined>;
  /** Replaces a file, durably. @throws {MediumError} FULL, GONE, UNREADABLE */
  write(path: string, bytes: Uint8Array): Promise<void>;
}
