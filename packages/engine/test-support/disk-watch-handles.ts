import type { FileHandle } from 'node:fs/promises';
import {
  ask,
  eventsSoFar,
  handles,
  type Opening,
  tell,
  watchedOpening,
  written,
} from './disk-watch-state.ts';

/** The methods of a file handle that change something, to be put in the place of those of its prototype. */
export function handleCalls(prototype: FileHandle): Partial<Record<keyof FileHandle, unknown>> {
  const inner = methodsOf(prototype);
  const openingOf = (handle: FileHandle): Opening | undefined => watchedOpening(handles.get(handle));
  return {
    async write(
      this: FileHandle,
      bytes: Uint8Array,
      from = 0,
      length: number = bytes.length - from,
      position: number | null = null,
    ) {
      const opened = openingOf(this);
      if (opened === undefined) return inner.write.call(this, bytes, from, length, position);
      const allowed = ask('write', opened.path, length) ?? length;
      const result = await inner.write.call(this, bytes, from, allowed, position);
      written(opened, position, bytes.subarray(from, from + result.bytesWritten));
      return result;
    },
    async writeFile(this: FileHandle, data: string | Uint8Array): Promise<void> {
      if (openingOf(this) === undefined) return inner.writeFile.call(this, data);
      const bytes = Buffer.from(data);
      for (let done = 0; done < bytes.length;) {
        done += (await this.write(bytes, done, bytes.length - done, null)).bytesWritten;
      }
    },
    async truncate(this: FileHandle, sizeBytes = 0): Promise<void> {
      const opened = openingOf(this);
      if (opened !== undefined) ask('truncate', opened.path);
      await inner.truncate.call(this, sizeBytes);
      if (opened !== undefined) tell({ kind: 'truncate', file: opened.file, sizeBytes });
    },
    async chmod(this: FileHandle, mode: number): Promise<void> {
      const opened = openingOf(this);
      if (opened !== undefined) ask('chmod', opened.path);
      await inner.chmod.call(this, mode);
      if (opened !== undefined) tell({ kind: 'mode', file: opened.file, mode });
    },
    async sync(this: FileHandle): Promise<void> {
      const opened = openingOf(this);
      const upTo = eventsSoFar();
      if (opened !== undefined) ask('sync', opened.path);
      await inner.sync.call(this);
      if (opened !== undefined) tell({ kind: 'sync', file: opened.file, upTo });
    },
  };
}

type Write = (
  bytes: Uint8Array,
  from: number,
  length: number,
  position: number | null,
) => Promise<{ readonly bytesWritten: number; readonly buffer: Uint8Array }>;

function methodsOf(
  prototype: FileHandle,
): Pick<FileHandle, 'chmod' | 'sync' | 'truncate' | 'writeFile'> & { readonly write: Write } {
  const { chmod, sync, truncate, write, writeFile } = prototype;
  return { chmod, sync, truncate, write, writeFile };
}
