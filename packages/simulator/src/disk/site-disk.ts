import type { Digest, ProductId, SiteCode } from '@sallyport/core/shared/ids';
import { digest } from '@sallyport/core/shared/ids';
import type { Tree } from '@sallyport/core/domain/content/tree';
import { recordHash } from '@sallyport/core/wire/record-hash';
import { nodeDigests } from '@sallyport/engine/compute/digest';
import { MemoryCompute } from '@sallyport/engine/compute/memory-compute';
import type { DatabaseBackups } from '@sallyport/engine/ports/backups';
import type { Blobs } from '@sallyport/engine/ports/blobs';
import type { Compute } from '@sallyport/engine/ports/compute';
import type { Random } from '@sallyport/engine/ports/random';
import type { CurrentRelease, Releases } from '@sallyport/engine/ports/releases';
import type { ScratchFolders } from '@sallyport/engine/ports/scratch';
import type { ReadTables, SiteDatabase } from '@sallyport/engine/ports/site-database';
import type { TrustStore } from '@sallyport/engine/ports/trust-store';
import type { Vault } from '@sallyport/engine/ports/vault';
import { backupFolder, MemoryDatabaseBackups } from '@sallyport/engine/storage/memory/backups';
import { MemoryBlobs } from '@sallyport/engine/storage/memory/blobs';
import type { CrashKind, DiskContents, MemoryDisk } from '@sallyport/engine/storage/memory/disk';
import { MemoryReleases } from '@sallyport/engine/storage/memory/releases';
import { MemoryScratchFolders } from '@sallyport/engine/storage/memory/scratch';
import { MemoryTrustStore } from '@sallyport/engine/storage/memory/trust-store';
import { MemoryVault } from '@sallyport/engine/storage/memory/vault';
import { MemoryDatabaseFile } from '@sallyport/engine/storage/sqlite/memory-file';
import { LimitedDisk } from './limited-disk.ts';
import { currentOnDisk, digestsOnDisk, releaseProblemsOnDisk } from './ground-truth.ts';
import { mortal } from './mortal.ts';

export interface SiteDiskOptions {
  readonly site: SiteCode;
  /** Decides what a power cut leaves of what was not synced. */
  readonly random: Random;
  /** 1 TiB when not given. */
  readonly capacityBytes?: number;
  /** Told of each write that fails because it is full. */
  readonly onRefused?: () => void;
  /** Told when somebody who heard of a commit has thrown. Without it that is an uncaught error. */
  readonly onListenerFailure?: (error: unknown) => void;
}

/** All that survives the process of a site, as one process has it. */
export interface SiteStorage {
  readonly database: SiteDatabase;
  readonly blobs: Blobs;
  readonly releases: Releases;
  readonly trust: TrustStore;
  readonly vault: Vault;
  readonly scratch: ScratchFolders;
  readonly backups: DatabaseBackups;
  readonly compute: Compute;
}

/** A whole disk as it was at some moment: a backup of it, or what a clone begins with. */
export interface DiskImage {
  readonly site: SiteCode;
  readonly database: Uint8Array;
  readonly contents: DiskContents;
}

const defaultCapacityBytes = 1024 ** 4;
/** The calls of the database, and of the others, that answer at once. */
const atOnce = ['read', 'write', 'onCommit', 'close', 'pathOf', 'sha256'];

/**
 * One site's disk in memory. Processes open it one after the other; each gets the real adapters' promises: what they
 * said is durable stays through every crash, and nothing else is sure to.
 */
export class SiteDisk {
  readonly site: SiteCode;
  readonly #options: SiteDiskOptions;
  readonly #random: Random;
  #disk: MemoryDisk;
  #database: MemoryDatabaseFile;
  #life: { isOver: boolean } = { isOver: true };
  #opened: SiteDatabase | undefined;

  /** @param image what it begins as a copy of; an empty disk without it */
  constructor(options: SiteDiskOptions, image?: DiskImage) {
    this.site = options.site;
    this.#options = options;
    this.#random = options.random;
    this.#disk = this.#diskOf(image);
    this.#database = this.#databaseOf(image?.database);
  }

  /** The handles of a new process. The one before must have ended: what it still holds is dead from here on. */
  open(): SiteStorage {
    this.#endProcess();
    const life = { isOver: false };
    this.#life = life;
    const mount = this.#disk.mount();
    const blobs = new MemoryBlobs(mount);
    const database = this.#database.open();
    this.#opened = database;
    const hold = <T extends object>(real: T): T => mortal(real, life, atOnce);
    return {
      database: hold(database),
      blobs: hold(blobs),
      releases: hold(new MemoryReleases(mount, blobs)),
      trust: hold(new MemoryTrustStore(mount)),
      vault: hold(new MemoryVault(mount)),
      scratch: hold(new MemoryScratchFolders(mount)),
      backups: hold(new MemoryDatabaseBackups(mount, database)),
      compute: hold(new MemoryCompute({ disk: mount })),
    };
  }

  /** Whether a process has it open. */
  get isOpen(): boolean {
    return !this.#life.isOver;
  }

  /** The process ends in order; everything it wrote is there. */
  end(): void {
    this.#endProcess();
    this.#disk.unmount();
  }

  /** The process ends without being asked. A power cut also takes or tears what was not synced; drawn when not given. */
  crash(kind: CrashKind = this.#random.fraction() < 0.5 ? 'kill' : 'power'): void {
    this.#endProcess();
    this.#disk.crash(this.#random, kind);
  }

  image(): DiskImage {
    return { site: this.site, database: this.#database.image(), contents: this.#disk.contents() };
  }

  /** Puts a whole image in place of what is there. Nobody may have the disk open. */
  restore(image: DiskImage): void {
    this.#requireClosed('restored');
    const { full } = this.#disk;
    this.#database.discard();
    this.#disk = this.#diskOf(image);
    this.#disk.full = full;
    this.#database = this.#databaseOf(image.database);
  }

  /**
   * Puts a backup of the database alone in place of the database, in a higher epoch than either knows, as the command
   * for restoring a site does.
   *
   * @param backup path of a backup that was made on this disk; absent: the database that is there
   * @param epochMin at least this epoch: what others say they have seen
   * @returns the epoch that the site is in from now on
   */
  restoreDatabase(backup?: string, epochMin = 1): number {
    this.#requireClosed('restored');
    const image = backup === undefined ? this.#database.image() : this.#disk.files.get(backup);
    if (image === undefined) throw new RangeError(`there is no backup ${String(backup)}`);
    const before = this.#database.open().read(({ records }) => records.epoch());
    this.#database.discard();
    this.#database = this.#databaseOf(image);
    return this.#database.open().write(({ records }) => {
      records.raiseEpoch(Math.max(epochMin, before + 1, records.epoch() + 1));
      return records.epoch();
    });
  }

  /** Paths of the database's backups, oldest first. */
  get backups(): readonly string[] {
    return [...this.#disk.files.keys()].filter((path) => path.startsWith(backupFolder));
  }

  /** While it is true every write fails as on a disk without room. */
  get full(): boolean {
    return this.#disk.full;
  }

  set full(full: boolean) {
    this.#disk.full = full;
  }

  freeBytes(): number {
    return this.#disk.freeBytes();
  }

  /** Changes a byte of a held blob at rest; false when it is not held, or has none. */
  corrupt(sha256: Digest): boolean {
    const path = blobPath(sha256);
    const bytes = this.#disk.files.get(path);
    if (bytes === undefined || bytes.length === 0) return false;
    const damaged = Uint8Array.from(bytes);
    const at = Math.floor(this.#random.fraction() * damaged.length);
    damaged[at] = (damaged[at] ?? 0) ^ (1 << Math.floor(this.#random.fraction() * 8));
    this.#disk.files.set(path, damaged);
    return true;
  }

  /** Puts bytes at a path behind every process's back: for damage of other kinds. */
  put(path: string, bytes: Uint8Array): void {
    this.#disk.files.set(path, bytes);
  }

  /** What `current.json` names, whether or not a process runs. @throws {ReleaseError} BAD_POINTER */
  currentRelease(product: ProductId): CurrentRelease | undefined {
    return currentOnDisk(this.#disk.files, product);
  }

  /** Paths of a release that differ from its tree, are missing or too many. */
  releaseProblems(product: ProductId, folder: string, tree: Tree): readonly string[] {
    return releaseProblemsOnDisk(this.#disk.files, product, folder, tree);
  }

  /** Blobs that are visible. */
  heldDigests(): ReadonlySet<Digest> {
    return new Set([...digestsOnDisk(this.#disk.files)].map(([sha256]) => sha256));
  }

  /** The bytes of a visible blob; undefined when it is not there or not what its name says. */
  blob(sha256: string): Uint8Array | undefined {
    const bytes = this.#disk.files.get(blobPath(digest(sha256)));
    return bytes !== undefined && nodeDigests.of('sha256', bytes) === sha256 ? bytes : undefined;
  }

  /** Visible blobs whose bytes are not what their name says. */
  blobProblems(): readonly Digest[] {
    return [...digestsOnDisk(this.#disk.files)]
      .filter(([sha256, bytes]) => nodeDigests.of('sha256', bytes) !== sha256)
      .map(([sha256]) => sha256);
  }

  /** Reads the database from outside of any process. */
  read<T>(work: (tables: ReadTables) => T): T {
    return this.#database.open().read(work);
  }

  #endProcess(): void {
    this.#life.isOver = true;
    // Whoever listens for commits hears of no more.
    this.#opened?.close();
    this.#opened = undefined;
  }

  #requireClosed(what: string): void {
    if (this.isOpen) throw new RangeError(`the disk of ${this.site} is open: it cannot be ${what}`);
  }

  #diskOf(image: DiskImage | undefined): MemoryDisk {
    return new LimitedDisk(
      {
        capacityBytes: this.#options.capacityBytes ?? defaultCapacityBytes,
        ...(image === undefined ? {} : { contents: image.contents }),
      },
      () => this.#options.onRefused?.(),
    );
  }

  #databaseOf(image: Uint8Array | undefined): MemoryDatabaseFile {
    return new MemoryDatabaseFile({
      name: `memory:${this.site}/site.db`,
      site: this.site,
      hashRecord: (fields) => recordHash(fields, nodeDigests.of),
      ...(image === undefined ? {} : { image }),
      ...(this.#options.onListenerFailure === undefined
        ? {}
        : { onListenerFailure: this.#options.onListenerFailure }),
      isFull: () => {
        if (this.#disk.full) this.#options.onRefused?.();
        return this.#disk.full;
      },
      saveBackup: (path, bytes) => this.#saveBackup(path, bytes),
    });
  }

  #saveBackup(path: string, bytes: Uint8Array): void {
    this.#disk.requireRoom(bytes.length, path);
    this.#disk.files.delete(path);
    this.#disk.files.set(path, bytes);
  }
}

function blobPath(sha256: Digest): string {
  return `memory:blobs/sha256/${digest(sha256)}`;
}
