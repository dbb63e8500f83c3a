import { closeSync, openSync } from 'node:fs';
import { type FileHandle, open as openFile } from 'node:fs/promises';
import { createRequire, syncBuiltinESMExports } from 'node:module';
import { checkpoint } from './marks.ts';
import { placeOf } from './places.ts';

type AnyFunction = (this: unknown, ...args: unknown[]) => unknown;
type Functions = Record<string, AnyFunction>;

/** Of each, which argument names what is changed. */
const changes: Readonly<Record<string, number>> = {
  rename: 1,
  link: 1,
  unlink: 0,
  rm: 0,
  rmdir: 0,
  mkdir: 0,
  copyFile: 1,
  writeFile: 0,
  appendFile: 0,
  chmod: 0,
  symlink: 1,
  truncate: 0,
};
/** After these something is visible that was not before, and the process may talk of it before it changes anything else. */
const publishing: ReadonlySet<string> = new Set(['link', 'rename']);
const ofHandles = ['appendFile', 'chmod', 'truncate', 'write', 'writeFile'] as const;
// No `sync`: a kill loses nothing that was written, so a death before one is the death after what came before it. Nor
// is opening one: the first write follows.
const places = new WeakMap<object, string>();

/** Checkpoints before every change to a file below the folder of a process, and after those that others see. */
export function patchFiles(): void {
  const require = createRequire(import.meta.url);
  const fs = require('node:fs') as Functions;
  const promises = require('node:fs/promises') as Functions;
  for (const [name, at] of Object.entries(changes)) {
    patchAsync(promises, name, at);
    patchSync(fs, `${name}Sync`, name, at);
  }
  patchOpen(promises);
  syncBuiltinESMExports();
}

/** Writing a file in place empties it first: a death between the two leaves nothing of what was there. */
function empties(name: string, args: readonly unknown[]): boolean {
  const options = args[2];
  const flag =
    typeof options === 'object' && options !== null && 'flag' in options ? options.flag : undefined;
  return name === 'writeFile' && (flag === undefined || flag === 'w');
}

function patchAsync(target: Functions, name: string, at: number): void {
  const original = target[name];
  if (original === undefined) return;
  target[name] = async function (this: unknown, ...args: unknown[]): Promise<unknown> {
    const place = placeOf(args[at]);
    if (place === undefined) return original.apply(this, args);
    checkpoint(`${name} ${place}`);
    if (empties(name, args)) {
      await (await openFile(String(args[at]), 'w')).close();
      checkpoint(`${name} ${place} emptied`);
    }
    const result = await original.apply(this, args);
    if (publishing.has(name)) checkpoint(`${name} ${place} done`);
    return result;
  };
}

function patchSync(target: Functions, method: string, name: string, at: number): void {
  const original = target[method];
  if (original === undefined) return;
  target[method] = function (this: unknown, ...args: unknown[]): unknown {
    const place = placeOf(args[at]);
    if (place === undefined) return original.apply(this, args);
    checkpoint(`${name} ${place}`);
    if (empties(name, args)) {
      closeSync(openSync(String(args[at]), 'w'));
      checkpoint(`${name} ${place} emptied`);
    }
    const result = original.apply(this, args);
    if (publishing.has(name)) checkpoint(`${name} ${place} done`);
    return result;
  };
}

function patchOpen(promises: Functions): void {
  const original = promises['open'];
  if (original === undefined) return;
  let patched = false;
  promises['open'] = async function (this: unknown, ...args: unknown[]): Promise<unknown> {
    const place = placeOf(args[0]);
    const handle = (await original.apply(this, args)) as FileHandle;
    if (!patched) {
      patched = true;
      patchHandles(Object.getPrototypeOf(handle) as Functions);
    }
    if (place !== undefined) places.set(handle, place);
    return handle;
  };
}

function patchHandles(prototype: Functions): void {
  for (const name of ofHandles) {
    const original = prototype[name];
    if (original === undefined) continue;
    prototype[name] = async function (this: unknown, ...args: unknown[]): Promise<unknown> {
      const place = places.get(this as object);
      if (place !== undefined) checkpoint(`${name} ${place}`);
      return original.apply(this, args);
    };
  }
}
