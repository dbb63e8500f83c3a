import fs from 'node:fs';
import promises, { type FileHandle } from 'node:fs/promises';
import { sep } from 'node:path';

/** A call that would change a disk, before it is made. */
export interface DiskCall {
  readonly kind:
    | 'chmod'
    | 'create'
    | 'link'
    | 'mkdir'
    | 'open'
    | 'rename'
    | 'rmdir'
    | 'sync'
    | 'truncate'
    | 'unlink'
    | 'write';
  readonly path: string;
  /** Of a write. */
  readonly sizeBytes?: number;
}

/** A change that was made. `file` numbers one opening of a file: its name may change while it is open. */
export type DiskEvent =
  | { readonly kind: 'open'; readonly path: string; readonly file: number; readonly created: boolean }
  | { readonly kind: 'write'; readonly file: number; readonly at: number; readonly bytes: Uint8Array }
  | { readonly kind: 'truncate'; readonly file: number; readonly sizeBytes: number }
  | { readonly kind: 'mode'; readonly file: number; readonly mode: number }
  /** Covers the first `upTo` events. */
  | { readonly kind: 'sync'; readonly file: number; readonly upTo: number }
  | { readonly kind: 'mkdir' | 'rmdir' | 'unlink'; readonly path: string }
  | { readonly kind: 'link' | 'rename'; readonly path: string; readonly to: string };

export interface DiskWatcher {
  /** Absolute; what happens elsewhere is not seen. */
  readonly folder: string;
  /** Throws to let the call fail. A number lets a write take only so many bytes. */
  readonly before: (call: DiskCall) => number | undefined;
  readonly after?: (event: DiskEvent) => void;
}

/** What a file handle of the watched folder is. `at` is where a write without a position goes. */
export interface Opening {
  readonly path: string;
  readonly file: number;
  at: number;
}

/** The functions as they are without a watch. */
export const real = { ...fs };
export const realAsync = { ...promises };

/** What is open below the watched folder. */
export const handles = new WeakMap<FileHandle, Opening>();
export const descriptors = new Map<number, Opening>();

let watcher: DiskWatcher | undefined;
let eventCount = 0;
let fileCount = 0;

/** Begins a watch, or ends it. One at a time. */
export function setWatcher(next: DiskWatcher | undefined): void {
  if (watcher !== undefined && next !== undefined) throw new Error('a disk is watched already');
  watcher = next;
  eventCount = 0;
}

/** The opening behind a handle or descriptor, while there is a watch. */
export function watchedOpening(opened: Opening | undefined): Opening | undefined {
  return watcher === undefined ? undefined : opened;
}

/** How many events there were in this watch. */
export function eventsSoFar(): number {
  return eventCount;
}

/** A number for one opening of a file. */
export function nextFile(): number {
  fileCount += 1;
  return fileCount;
}

/** Whether a path lies in the watched folder. */
export function isWatched(path: unknown): path is string {
  if (watcher === undefined || typeof path !== 'string') return false;
  return path === watcher.folder || path.startsWith(`${watcher.folder}${sep}`);
}

/** Asks whether a call may be made; answers how many bytes a write may take, when not all. */
export function ask(kind: DiskCall['kind'], path: string, sizeBytes?: number): number | undefined {
  return watcher?.before(sizeBytes === undefined ? { kind, path } : { kind, path, sizeBytes });
}

/** Reports a change that was made. */
export function tell(event: DiskEvent): void {
  if (watcher === undefined) return;
  eventCount += 1;
  watcher.after?.(event);
}

interface Intent {
  readonly writes: boolean;
  readonly creates: boolean;
  readonly truncates: boolean;
  readonly appends: boolean;
}

function intentOf(flags: unknown): Intent {
  if (typeof flags === 'string') {
    const creates = /^[aw]/.test(flags);
    const truncates = flags.startsWith('w');
    return { writes: creates || flags.includes('+'), creates, truncates, appends: flags.startsWith('a') };
  }
  const bits = Number(flags ?? 0);
  const has = (bit: number): boolean => (bits & bit) !== 0;
  const { O_APPEND, O_CREAT, O_RDWR, O_TRUNC, O_WRONLY } = fs.constants;
  return {
    writes: has(O_WRONLY | O_RDWR),
    creates: has(O_CREAT),
    truncates: has(O_TRUNC),
    appends: has(O_APPEND),
  };
}

/** Asks about an opening; answers what to note of it once it has succeeded. */
export function opening(path: string, flags: unknown): (sizeBytes: number) => Opening {
  const intent = intentOf(flags);
  const created = intent.creates && !real.existsSync(path);
  if (intent.writes) ask(created ? 'create' : 'open', path);
  return (sizeBytes) => {
    const opened = { path, file: nextFile(), at: intent.appends ? sizeBytes : 0 };
    tell({ kind: 'open', path, file: opened.file, created });
    if (intent.truncates && !created) tell({ kind: 'truncate', file: opened.file, sizeBytes: 0 });
    return opened;
  };
}

/** Notes bytes that a write took. */
export function written(opened: Opening, position: number | null, bytes: Uint8Array): void {
  const at = position ?? opened.at;
  if (position === null) opened.at += bytes.length;
  tell({ kind: 'write', file: opened.file, at, bytes: Uint8Array.from(bytes) });
}

/** An error as the operating system makes it. */
export function diskError(code: string, call: string, path: string): Error {
  return Object.assign(new Error(`${code}: refused, ${call} '${path}'`), { code, syscall: call, path });
}
