import { diskFailure } from '@sallyport/core/domain/content/disk-failure';
import type { Random } from '../../ports/random.ts';

/** What a process meets that has ended and does not know it: nothing that it does counts any more. */
export class ProcessEnded extends Error {
  constructor() {
    super('this process has ended: nothing that it does reaches its disk');
    this.name = 'ProcessEnded';
  }
}

/** What a file was when it was last made durable; `undefined`: it was not there. */
type Durable = Uint8Array | undefined;

/** How a process ends that is not asked: alone, or with the machine, which forgets what was not synced. */
export type CrashKind = 'kill' | 'power';

/** A disk as it was at some moment. Bytes are shared and never written to. */
export type DiskContents = ReadonlyMap<string, Uint8Array>;

/**
 * Files in memory with the promises of a real disk: what was synced survives a power cut, what was not is there,
 * torn, or gone. Paths are plain strings; a folder is there when something in it is. One process has it mounted.
 */
export class MemoryDisk {
  /** In the order in which they were last written. */
  readonly files: Map<string, Uint8Array>;
  /** Every write fails, as on a disk without room. */
  full = false;
  readonly #capacityBytes: number;
  readonly #unsynced = new Map<string, Durable>();
  #mount: DiskMount | undefined;

  constructor(options: { readonly capacityBytes?: number; readonly contents?: DiskContents } = {}) {
    this.#capacityBytes = options.capacityBytes ?? Number.MAX_SAFE_INTEGER;
    this.files = new Map(options.contents);
  }

  /** Gives the disk to a process; whoever had it before has ended. */
  mount(): DiskMount {
    this.unmount();
    this.#mount = new DiskMount(this, this.#unsynced);
    return this.#mount;
  }

  /** Ends the process that has it, in order: the system writes out by and by what it left. */
  unmount(): void {
    this.#mount?.end();
    this.#mount = undefined;
    this.#unsynced.clear();
  }

  /** Ends the process that has it; a power cut takes what was not synced, file by file as chance has it. */
  crash(random: Random, kind: CrashKind): void {
    this.#mount?.end();
    this.#mount = undefined;
    if (kind === 'power') {
      for (const [path, durable] of this.#unsynced) {
        const left = afterPowerCut(this.files.get(path), durable, random);
        if (left === undefined) this.files.delete(path);
        else this.files.set(path, left);
      }
    }
    this.#unsynced.clear();
  }

  /** Everything on it, as a copy of its own. */
  contents(): DiskContents {
    return new Map(this.files);
  }

  freeBytes(): number {
    if (this.full) return 0;
    let usedBytes = 0;
    for (const bytes of this.files.values()) usedBytes += bytes.length;
    return Math.max(0, this.#capacityBytes - usedBytes);
  }

  /** @throws {ContentError} DISK_FULL when so many more bytes have no room */
  requireRoom(addedBytes: number, path: string): void {
    if (this.full || (this.#capacityBytes < Number.MAX_SAFE_INTEGER && addedBytes > this.freeBytes())) {
      // As the adapters on files explain what the system says.
      throw diskFailure(Object.assign(new Error('no space left on device'), { code: 'ENOSPC' }), path);
    }
  }
}

/** One process's hold on a disk. After its end every call throws `ProcessEnded`. */
export class DiskMount {
  readonly #disk: MemoryDisk;
  readonly #unsynced: Map<string, Durable>;
  #ended = false;

  constructor(disk: MemoryDisk, unsynced: Map<string, Durable>) {
    this.#disk = disk;
    this.#unsynced = unsynced;
  }

  get disk(): MemoryDisk {
    return this.#disk;
  }

  end(): void {
    this.#ended = true;
  }

  read(path: string): Uint8Array | undefined {
    this.#requireLife();
    return this.#disk.files.get(path);
  }

  has(path: string): boolean {
    this.#requireLife();
    return this.#disk.files.has(path);
  }

  /** Paths that begin so, with what follows. */
  under(prefix: string): readonly string[] {
    this.#requireLife();
    const found: string[] = [];
    for (const path of this.#disk.files.keys()) {
      if (path.startsWith(prefix)) found.push(path.slice(prefix.length));
    }
    return found;
  }

  /** Replaces a file's bytes, which the caller leaves alone from then on. Not durable before `sync`. @throws {ContentError} DISK_FULL */
  write(path: string, bytes: Uint8Array): void {
    this.#requireLife();
    this.#disk.requireRoom(bytes.length - (this.#disk.files.get(path)?.length ?? 0), path);
    this.#change(path, bytes);
  }

  /** Adds to a file's end, or makes it. @throws {ContentError} DISK_FULL */
  append(path: string, bytes: Uint8Array): void {
    this.#requireLife();
    this.#disk.requireRoom(bytes.length, path);
    const before = this.#disk.files.get(path) ?? new Uint8Array();
    this.#change(path, Buffer.concat([before, bytes]));
  }

  /** Makes a file durable, and with it every removal before: the journal is written in order. */
  sync(path: string): void {
    this.#requireLife();
    this.#unsynced.delete(path);
    for (const other of this.#unsynced.keys()) {
      if (!this.#disk.files.has(other)) this.#unsynced.delete(other);
    }
  }

  /** As a temporary file that is synced and renamed: the old bytes or these, never anything else. @throws {ContentError} DISK_FULL */
  writeDurably(path: string, bytes: Uint8Array): void {
    this.write(path, bytes);
    this.sync(path);
  }

  /** Gives a file, or everything under a folder, another name, durably. */
  rename(from: string, to: string): void {
    this.#requireLife();
    const moved = this.#disk.files.has(from)
      ? [from]
      : this.under(`${from}/`).map((rest) => `${from}/${rest}`);
    for (const path of moved) {
      const bytes = this.#disk.files.get(path) ?? new Uint8Array();
      const target = `${to}${path.slice(from.length)}`;
      this.#disk.files.delete(path);
      this.#disk.files.delete(target);
      this.#disk.files.set(target, bytes);
      if (this.#unsynced.has(path)) this.#unsynced.set(target, undefined);
      this.#unsynced.delete(path);
    }
    this.sync(to);
  }

  /** Removes a file, or everything under a folder. A power cut may bring back what was durable. */
  remove(path: string): void {
    this.#requireLife();
    const removed = this.#disk.files.has(path)
      ? [path]
      : this.under(`${path}/`).map((rest) => `${path}/${rest}`);
    for (const each of removed) this.#change(each, undefined);
  }

  #change(path: string, bytes: Uint8Array | undefined): void {
    const { files } = this.#disk;
    const before = files.get(path);
    if (!this.#unsynced.has(path)) this.#unsynced.set(path, before);
    files.delete(path);
    if (bytes !== undefined) files.set(path, bytes);
    else if (this.#unsynced.get(path) === undefined) this.#unsynced.delete(path);
  }

  #requireLife(): void {
    if (this.#ended) throw new ProcessEnded();
  }
}

/** What a power cut leaves of a file: its durable bytes, or the newer ones whole, cut off, or with garbage at the end. */
function afterPowerCut(now: Uint8Array | undefined, durable: Durable, random: Random): Durable {
  if (now === undefined) return random.fraction() < 0.5 ? durable : undefined;
  const keptBytes = isPrefix(durable, now) ? durable.length : 0;
  const cut = keptBytes + Math.floor(random.fraction() * (now.length - keptBytes + 1));
  const kind = random.fraction();
  if (kind < 0.25) return now;
  if (kind < 0.5) return durable;
  const torn = Uint8Array.from(now);
  if (kind < 0.75) return torn.subarray(0, cut);
  // Blocks that were allocated and never written: nothing, or what lay there before.
  torn.set(kind < 0.875 ? new Uint8Array(now.length - cut) : random.bytes(now.length - cut), cut);
  return torn;
}

function isPrefix(part: Durable, whole: Uint8Array): part is Uint8Array {
  return (
    part !== undefined && part.length <= whole.length && part.every((byte, index) => byte === whole[index])
  );
}
