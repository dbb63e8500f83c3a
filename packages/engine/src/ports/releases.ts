import type { Tree } from '@sallyport/core/domain/content/tree';
import { SallyportError } from '@sallyport/core/shared/errors';
import type { PackageGuid, ProductId } from '@sallyport/core/shared/ids';

/**
 * - `BAD_NAME`: a folder name that is not plain
 * - `BAD_PATH`: a tree with a path that would leave the release, or that no file system can hold
 * - `BAD_POINTER`: `current.json` is damaged
 * - `IN_USE`: the release is in force and stays as it is
 * - `MISSING`: there is no such release
 */
export type ReleaseErrorCode = 'BAD_NAME' | 'BAD_PATH' | 'BAD_POINTER' | 'IN_USE' | 'MISSING';

/** A release that cannot be built, named or removed. */
export class ReleaseError extends SallyportError<ReleaseErrorCode> {}

/** Which release of a product is in force at a site. `current.json`, renamed into place. */
export interface CurrentRelease {
  readonly product: ProductId;
  readonly guid: PackageGuid;
  readonly version: string;
  /** Folder of the release, relative to the product's folder. */
  readonly folder: string;
  readonly treeSha256: string;
  /** Every package that the release contains: its own and those it was installed over, oldest first. */
  readonly installed: readonly PackageGuid[];
}

/**
 * The installed products of a site: `products/<product>/releases/<version>` beside each other and
 * `products/<product>/current.json`, which always names a complete release.
 */
export interface Releases {
  /** @throws {ReleaseError} BAD_POINTER */
  current(product: ProductId): Promise<CurrentRelease | undefined>;
  products(): Promise<readonly ProductId[]>;
  /**
   * Folder name for a release: its version, or version and GUID where another package holds that name.
   * Keeps the name for this package, so that the answer stays the same until `remove`.
   */
  folderFor(product: ProductId, guid: PackageGuid, version: string): Promise<string>;
  /** Absolute path of a release's folder. */
  pathOf(product: ProductId, folder: string): string;
  /**
   * Builds the release from held segments: every byte is verified while it is written; complete, durable
   * and read-only before it gets its name. Repeating it is harmless, and goes on with what a killed one left.
   * A held segment that turns out to be damaged is dropped from the content library, so that it can be fetched again.
   * @throws {ContentError} NOT_HELD, HASH_MISMATCH, SIZE_MISMATCH, DISK_FULL
   * @throws {ReleaseError} BAD_NAME, BAD_PATH, IN_USE
   */
  stage(
    product: ProductId,
    folder: string,
    tree: Tree,
    progress: (doneBytes: number) => void,
    signal: AbortSignal,
  ): Promise<void>;
  /** Compares every file with the tree. Answers the paths that differ, are missing or are too many. */
  verify(product: ProductId, folder: string, tree: Tree, signal: AbortSignal): Promise<readonly string[]>;
  /** Atomic: afterwards the pointer is either the old or the new one, never neither. @throws {ReleaseError} MISSING */
  switchTo(release: CurrentRelease): Promise<void>;
  /** Removes a release and what staging left of it; no effect when there is none. @throws {ReleaseError} IN_USE */
  remove(product: ProductId, folder: string): Promise<void>;
  /** Folders of the complete releases. */
  list(product: ProductId): Promise<readonly string[]>;
  /** Free bytes of the disk that holds the releases. */
  freeBytes(): Promise<number>;
}
