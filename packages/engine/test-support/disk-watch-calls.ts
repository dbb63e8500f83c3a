import fs, { type PathLike } from 'node:fs';
import promises, { type FileHandle } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { handleCalls } from './disk-watch-handles.ts';
import {
  ask,
  descriptors,
  diskError,
  eventsSoFar,
  handles,
  isWatched,
  nextFile,
  opening,
  real,
  realAsync,
  tell,
  watchedOpening,
  written,
} from './disk-watch-state.ts';

let patched = false;

const asyncCalls = {
  async open(path: PathLike, flags?: string | number, mode?: number): Promise<FileHandle> {
    if (!isWatched(path)) return realAsync.open(path, flags, mode);
    const note = opening(path, flags ?? 'r');
    const handle = await realAsync.open(path, flags, mode);
    handles.set(handle, note(real.fstatSync(handle.fd).size));
    return handle;
  },

  async writeFile(path: PathLike, data: string | Uint8Array, options?: unknown): Promise<void> {
    if (!isWatched(path)) return realAsync.writeFile(path, data, options as undefined);
    const handle = await asyncCalls.open(path, 'w');
    try {
      await handle.writeFile(data);
    } finally {
      await handle.close();
    }
  },

  async mkdir(path: PathLike, options?: { recursive?: boolean; mode?: number }): Promise<string | undefined> {
    if (!isWatched(path)) return realAsync.mkdir(path, options);
    return makeFolders(path, options);
  },

  async rm(path: PathLike, options: { recursive?: boolean; force?: boolean } = {}): Promise<void> {
    if (!isWatched(path)) return realAsync.rm(path, options);
    remove(path, options);
  },

  async rmdir(path: PathLike): Promise<void> {
    if (!isWatched(path)) return realAsync.rmdir(path);
    removeFolder(path);
  },

  async rename(from: PathLike, to: PathLike): Promise<void> {
    if (!isWatched(from) || !isWatched(to)) return realAsync.rename(from, to);
    move(from, to);
  },

  async link(from: PathLike, to: PathLike): Promise<void> {
    if (!isWatched(to)) return realAsync.link(from, to);
    ask('link', to);
    await realAsync.link(from, to);
    tell({ kind: 'link', path: String(from), to });
  },

  async chmod(path: PathLike, mode: number): Promise<void> {
    if (!isWatched(path)) return realAsync.chmod(path, mode);
    ask('chmod', path);
    await realAsync.chmod(path, mode);
    const file = nextFile();
    tell({ kind: 'open', path, file, created: false });
    tell({ kind: 'mode', file, mode });
  },

  /** Seen as a file that is made and then written in one piece: libuv removes it when it cannot be written whole. */
  async copyFile(from: PathLike, to: PathLike, mode?: number): Promise<void> {
    if (!isWatched(to)) return realAsync.copyFile(from, to, mode);
    const created = !real.existsSync(to);
    const bytes = real.readFileSync(from);
    ask(created ? 'create' : 'open', to);
    if (ask('write', to, bytes.length) !== undefined) throw diskError('ENOSPC', 'copyfile', to);
    await realAsync.copyFile(from, to, mode);
    const file = nextFile();
    tell({ kind: 'open', path: to, file, created });
    if (!created) tell({ kind: 'truncate', file, sizeBytes: 0 });
    tell({ kind: 'write', file, at: 0, bytes });
  },
};

function makeFolders(path: string, options: { recursive?: boolean; mode?: number } = {}): string | undefined {
  let first: string | undefined;
  const above = dirname(path);
  if (options.recursive === true) {
    if (real.existsSync(path) && real.statSync(path).isDirectory()) return undefined;
    if (isWatched(above)) first = makeFolders(above, options);
  }
  // Before the disk has a say, as in a kernel.
  if (real.existsSync(path)) throw diskError('EEXIST', 'mkdir', path);
  if (!real.existsSync(above)) throw diskError('ENOENT', 'mkdir', path);
  ask('mkdir', path);
  real.mkdirSync(path, options.mode === undefined ? {} : { mode: options.mode });
  tell({ kind: 'mkdir', path });
  return options.recursive === true ? (first ?? path) : undefined;
}

function remove(path: string, options: { recursive?: boolean; force?: boolean }): void {
  const found = real.lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) {
    if (options.force !== true) throw diskError('ENOENT', 'rm', path);
  } else if (!found.isDirectory()) {
    ask('unlink', path);
    real.unlinkSync(path);
    tell({ kind: 'unlink', path });
  } else if (options.recursive !== true) {
    throw diskError('ERR_FS_EISDIR', 'rm', path);
  } else {
    for (const name of real.readdirSync(path)) remove(join(path, name), options);
    removeFolder(path);
  }
}

function removeFolder(path: string): void {
  ask('rmdir', path);
  real.rmdirSync(path);
  tell({ kind: 'rmdir', path });
}

function move(from: string, to: string): void {
  ask('rename', to);
  real.renameSync(from, to);
  tell({ kind: 'rename', path: from, to });
}

const syncCalls = {
  mkdirSync(path: PathLike, options?: { recursive?: boolean; mode?: number }): string | undefined {
    return isWatched(path) ? makeFolders(path, options) : real.mkdirSync(path, options);
  },

  rmdirSync(path: PathLike): void {
    if (isWatched(path)) removeFolder(path);
    else real.rmdirSync(path);
  },

  rmSync(path: PathLike, options: { recursive?: boolean; force?: boolean } = {}): void {
    if (isWatched(path)) remove(path, options);
    else real.rmSync(path, options);
  },

  renameSync(from: PathLike, to: PathLike): void {
    if (isWatched(from) && isWatched(to)) move(from, to);
    else real.renameSync(from, to);
  },

  openSync(path: PathLike, flags: string | number = 'r', mode?: number): number {
    if (!isWatched(path)) return real.openSync(path, flags, mode);
    const note = opening(path, flags);
    const descriptor = real.openSync(path, flags, mode);
    descriptors.set(descriptor, note(real.fstatSync(descriptor).size));
    return descriptor;
  },

  closeSync(descriptor: number): void {
    descriptors.delete(descriptor);
    real.closeSync(descriptor);
  },

  writeSync(descriptor: number, bytes: Uint8Array, from = 0, length = bytes.length - from): number {
    const opened = watchedOpening(descriptors.get(descriptor));
    if (opened === undefined) return real.writeSync(descriptor, bytes, from, length);
    const allowed = ask('write', opened.path, length) ?? length;
    const count = real.writeSync(descriptor, bytes, from, allowed);
    written(opened, null, bytes.subarray(from, from + count));
    return count;
  },

  fsyncSync(descriptor: number): void {
    const opened = watchedOpening(descriptors.get(descriptor));
    const upTo = eventsSoFar();
    if (opened !== undefined) ask('sync', opened.path);
    real.fsyncSync(descriptor);
    if (opened !== undefined) tell({ kind: 'sync', file: opened.file, upTo });
  },

  writeFileSync(path: PathLike | number, data: string | Uint8Array, options?: unknown): void {
    if (!isWatched(path)) {
      real.writeFileSync(path, data, options as undefined);
      return;
    }
    const descriptor = syncCalls.openSync(path, 'w');
    try {
      const bytes = Buffer.from(data);
      for (let done = 0; done < bytes.length;) done += syncCalls.writeSync(descriptor, bytes, done);
    } finally {
      syncCalls.closeSync(descriptor);
    }
  },
};

/** Ways to change a disk that nothing here uses: whoever begins to must teach this file about them. */
const unknownAsync = ['appendFile', 'cp', 'mkdtemp', 'symlink', 'truncate', 'unlink'] as const;
const unknownSync = [
  'appendFileSync',
  'chmodSync',
  'copyFileSync',
  'cpSync',
  'createWriteStream',
  'linkSync',
  'mkdtempSync',
  'symlinkSync',
  'truncateSync',
  'unlinkSync',
] as const;

/** Replaces the functions for the whole process, once; without a watch they do what they always did. */
export async function patchFileSystem(): Promise<void> {
  if (patched) return;
  patched = true;
  const probe = await realAsync.open(process.execPath, 'r');
  const prototype = Object.getPrototypeOf(probe) as FileHandle;
  await probe.close();
  Object.assign(prototype, handleCalls(prototype));
  Object.assign(promises, refusing(promises, unknownAsync), asyncCalls);
  Object.assign(fs, refusing(fs, unknownSync), syncCalls);
  // The names that modules have imported follow.
  syncBuiltinESMExports();
}

function refusing<Key extends string>(
  module: Readonly<Record<Key, unknown>>,
  names: readonly Key[],
): Record<string, unknown> {
  return Object.fromEntries(
    names.map((name) => {
      const inner = module[name] as (...given: unknown[]) => unknown;
      return [
        name,
        (...given: unknown[]): unknown => {
          if (given.some(isWatched)) throw new Error(`${name} is not known to the watched disk`);
          return inner(...given);
        },
      ];
    }),
  );
}
