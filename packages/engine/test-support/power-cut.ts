import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { DiskEvent } from './disk-watch-state.ts';

/** A file or folder, whatever its names are. */
interface Node {
  readonly isFolder: boolean;
  /** Content and mode before the first event; what is made later begins empty. */
  readonly bytes: Uint8Array;
  readonly mode: number;
}

/** A change of one file, or of names: what a power cut may or may not have let through. */
type Change =
  | { readonly of: 'file'; readonly node: Node; readonly event: DiskEvent }
  | {
      readonly of: 'names';
      /** Folders whose entries change: one, or two for a move between folders, which happens in both or in neither. */
      readonly folders: readonly Node[];
      readonly adds?: { readonly folder: Node; readonly name: string; readonly node: Node };
      readonly takes?: { readonly folder: Node; readonly name: string };
    }
  | { readonly of: 'sync'; readonly node: Node; readonly upTo: number };

/** What a folder holds, paths relative to it, folders before what is in them. A folder has no bytes. */
export type DiskState = ReadonlyMap<
  string,
  { readonly mode: number; readonly bytes: Uint8Array | undefined }
>;

/** How much of what was not synced is there after the cut. */
export type Unsynced = 'all' | 'nothing' | { readonly fraction: () => number };

/**
 * What a power cut leaves of a folder, rebuilt from the changes made in it.
 *
 * What is certain is what POSIX promises and ext4 and xfs keep: after `fsync` of a file its bytes and mode up to then;
 * after `fsync` of a folder the names in it up to then, not those of the folder itself in the one above; a rename
 * happens whole or not at all, also between two folders. Nothing more is taken for granted, though ext4 and xfs often
 * do more (the log is written in order, `fsync` of a new file mostly keeps its name too):
 *
 * - names in one folder last in the order in which they changed, those in different folders in any order;
 * - a name may last without the bytes of its file: an unsynced file is empty, cut off anywhere, has zeros where bytes
 *   were written (delayed allocation), or is whole, each file for itself;
 * - a mode that was not synced is the old or the new one.
 *
 * Not modelled: sectors that lie (a disk that answers `fsync` too early), and single bytes that rot.
 */
export class PowerCut {
  readonly #folder: string;
  readonly #root: Node;
  readonly #changes: Change[] = [];
  /** Names as they are now, to find the files behind the paths of events. */
  readonly #now = new Map<string, Node>();
  readonly #before: ReadonlyMap<string, Node>;
  readonly #open = new Map<number, Node>();

  /** @param folder what lies there now is durable */
  constructor(folder: string) {
    this.#folder = folder;
    this.#root = this.#adopt(folder);
    this.#before = new Map(this.#now);
  }

  /** How many changes were seen: a cut may come before the first of them, and after each. */
  get length(): number {
    return this.#changes.length;
  }

  note(event: DiskEvent): void {
    this.#changes.push(this.#changeOf(event));
  }

  /** What a cut after the first `count` changes may leave. */
  state(count: number, unsynced: Unsynced): DiskState {
    const lasting = this.#lastingNames(count, unsynced);
    const entries = new Map<Node, Map<string, Node>>();
    const entriesOf = (folder: Node): Map<string, Node> => {
      const known = entries.get(folder) ?? new Map<string, Node>();
      entries.set(folder, known);
      return known;
    };
    for (const [path, node] of this.#before) {
      const above = this.#before.get(dirname(path));
      if (above !== undefined) entriesOf(above).set(path.slice(dirname(path).length + 1), node);
    }
    for (const [index, change] of this.#changes.slice(0, count).entries()) {
      if (change.of !== 'names' || !lasting.has(index)) continue;
      if (change.takes !== undefined) entriesOf(change.takes.folder).delete(change.takes.name);
      if (change.adds !== undefined) entriesOf(change.adds.folder).set(change.adds.name, change.adds.node);
    }
    const contents = new Map<Node, { bytes: Uint8Array; mode: number }>();
    const found = new Map<string, { mode: number; bytes: Uint8Array | undefined }>();
    const visit = (path: string, node: Node): void => {
      // Other names of one file show the same.
      const { bytes, mode } = contents.get(node) ?? this.#contentOf(node, count, unsynced);
      contents.set(node, { bytes, mode });
      found.set(path, { mode, bytes: node.isFolder ? undefined : bytes });
      for (const [name, child] of entriesOf(node)) visit(path === '' ? name : `${path}/${name}`, child);
    };
    visit('', this.#root);
    return found;
  }

  /** Which changes of names last: of each folder the first ones, at least those that were synced. */
  #lastingNames(count: number, unsynced: Unsynced): ReadonlySet<number> {
    const ends = new Map<Node, number>();
    const raise = (node: Node, end: number): void => {
      ends.set(node, Math.max(ends.get(node) ?? 0, end));
    };
    for (const change of this.#changes.slice(0, count)) {
      if (change.of === 'sync' && change.node.isFolder) raise(change.node, change.upTo);
    }
    this.#settle(count, ends, raise);
    if (unsynced === 'all') {
      return new Set(Array.from({ length: count }, (_, index) => index));
    }
    if (unsynced !== 'nothing') {
      const folders = new Set(
        this.#changes.flatMap((change) => (change.of === 'names' ? change.folders : [])),
      );
      for (const folder of folders) raise(folder, Math.floor(unsynced.fraction() * (count + 1)));
      this.#settle(count, ends, raise);
    }
    const lasting = new Set<number>();
    for (const [index, change] of this.#changes.slice(0, count).entries()) {
      if (change.of === 'names' && change.folders.every((folder) => index < (ends.get(folder) ?? 0))) {
        lasting.add(index);
      }
    }
    return lasting;
  }

  /** A move between folders that lasts in one of them lasts in the other. */
  #settle(count: number, ends: Map<Node, number>, raise: (node: Node, end: number) => void): void {
    for (let moved = true; moved;) {
      moved = false;
      for (const [index, change] of this.#changes.slice(0, count).entries()) {
        if (change.of !== 'names' || change.folders.length < 2) continue;
        const isIn = change.folders.map((folder) => index < (ends.get(folder) ?? 0));
        if (!isIn.includes(true) || !isIn.includes(false)) continue;
        for (const folder of change.folders) raise(folder, index + 1);
        moved = true;
      }
    }
  }

  #contentOf(node: Node, count: number, unsynced: Unsynced): { bytes: Uint8Array; mode: number } {
    const changes = this.#changes.slice(0, count);
    const synced = Math.max(
      0,
      ...changes.map((change) => (change.of === 'sync' && change.node === node ? change.upTo : 0)),
    );
    let { bytes, mode } = node;
    const torn = unsynced === 'all' ? 'whole' : unsynced === 'nothing' ? 'lost' : someFate(unsynced);
    for (const [index, change] of changes.entries()) {
      if (change.of !== 'file' || change.node !== node) continue;
      const { event } = change;
      const fate = index < synced ? 'whole' : torn;
      if (event.kind === 'mode') {
        if (fate === 'whole' || fate === 'zeros') ({ mode } = event);
      } else if (fate !== 'lost') bytes = applied(bytes, event, fate, unsynced);
    }
    return { bytes, mode };
  }

  #adopt(path: string): Node {
    const found = statSync(path);
    const isFolder = found.isDirectory();
    const node = {
      isFolder,
      bytes: isFolder ? new Uint8Array() : readFileSync(path),
      mode: found.mode & 0o777,
    };
    this.#now.set(path, node);
    if (isFolder) for (const name of readdirSync(path)) this.#adopt(join(path, name));
    return node;
  }

  #changeOf(event: DiskEvent): Change {
    switch (event.kind) {
      case 'open': {
        const found = event.created ? this.#newNode(event.path, false) : this.#at(event.path);
        this.#open.set(event.file, found);
        return event.created ? this.#adding(event.path, found) : { of: 'names', folders: [] };
      }
      case 'mkdir':
        return this.#adding(event.path, this.#newNode(event.path, true));
      case 'link': {
        const node = this.#at(event.path);
        this.#now.set(event.to, node);
        return this.#adding(event.to, node);
      }
      case 'rename':
        return this.#moving(event.path, event.to);
      case 'unlink':
      case 'rmdir': {
        this.#now.delete(event.path);
        const folder = this.#at(dirname(event.path));
        return { of: 'names', folders: [folder], takes: { folder, name: nameOf(event.path) } };
      }
      case 'sync':
        return { of: 'sync', node: this.#opened(event.file), upTo: event.upTo };
      case 'write':
      case 'truncate':
      case 'mode':
        return { of: 'file', node: this.#opened(event.file), event };
    }
  }

  #newNode(path: string, isFolder: boolean): Node {
    const node = { isFolder, bytes: new Uint8Array(), mode: statSync(path).mode & 0o777 };
    this.#now.set(path, node);
    return node;
  }

  #adding(path: string, node: Node): Change {
    const folder = this.#at(dirname(path));
    return { of: 'names', folders: [folder], adds: { folder, name: nameOf(path), node } };
  }

  #moving(from: string, to: string): Change {
    const node = this.#at(from);
    for (const [path, moved] of Array.from(this.#now)) {
      if (path === to || path.startsWith(`${to}/`)) this.#now.delete(path);
      if (path !== from && !path.startsWith(`${from}/`)) continue;
      this.#now.delete(path);
      this.#now.set(to + path.slice(from.length), moved);
    }
    const source = this.#at(dirname(from));
    const folder = this.#at(dirname(to));
    return {
      of: 'names',
      folders: [...new Set([source, folder])],
      takes: { folder: source, name: nameOf(from) },
      adds: { folder, name: nameOf(to), node },
    };
  }

  #at(path: string): Node {
    const found = this.#now.get(path);
    if (found === undefined) throw new Error(`${path} is not known within ${this.#folder}`);
    return found;
  }

  #opened(file: number): Node {
    const found = this.#open.get(file);
    if (found === undefined) throw new Error(`file ${file} was never opened within ${this.#folder}`);
    return found;
  }
}

type Fate = 'lost' | 'torn' | 'whole' | 'zeros';

function someFate({ fraction }: { readonly fraction: () => number }): Fate {
  return (['lost', 'torn', 'zeros', 'whole'] as const)[Math.floor(fraction() * 4)] ?? 'whole';
}

function applied(before: Uint8Array, event: DiskEvent, fate: Fate, unsynced: Unsynced): Uint8Array {
  if (event.kind === 'truncate') {
    const after = new Uint8Array(event.sizeBytes);
    after.set(before.subarray(0, event.sizeBytes));
    return after;
  }
  if (event.kind !== 'write') return before;
  const share = fate === 'torn' && typeof unsynced === 'object' ? unsynced.fraction() : 1;
  const bytes = event.bytes.subarray(0, Math.floor(event.bytes.length * share));
  const after = new Uint8Array(Math.max(before.length, event.at + bytes.length));
  after.set(before);
  after.set(fate === 'zeros' ? new Uint8Array(bytes.length) : bytes, event.at);
  return after;
}

/** Puts a state on a real disk, in an empty folder. */
export function putState(state: DiskState, folder: string): void {
  for (const [path, { bytes }] of state) {
    if (bytes === undefined) mkdirSync(join(folder, path), { recursive: true });
    else writeFileSync(join(folder, path), bytes);
  }
  // Last, and what is inside first: folders may be read-only.
  for (const [path, { mode }] of [...state].toReversed()) chmodSync(join(folder, path), mode);
}

/** Tells states apart. */
export function fingerprintOf(state: DiskState): string {
  const hash = createHash('sha256');
  for (const [path, { mode, bytes }] of state) {
    hash.update(`${JSON.stringify(path)} ${mode} ${bytes === undefined ? 'folder' : bytes.length}\n`);
    if (bytes !== undefined) hash.update(bytes);
  }
  return hash.digest('hex');
}

function nameOf(path: string): string {
  return path.slice(dirname(path).length + 1);
}
