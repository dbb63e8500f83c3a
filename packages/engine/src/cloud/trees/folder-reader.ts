import { constants, type Dirent } from 'node:fs';
import { open, lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '@sallyport/core/shared/errors';
import { type PayloadEntry, PayloadUnreadable } from './payload-source.ts';

/** Absent on Windows, which does not follow links when it is not asked to. */
const noFollow = constants.O_NOFOLLOW ?? 0;

/**
 * The entries of a folder, folders below it included, sorted by name. Links are entries of their own and are
 * never followed.
 *
 * @throws {PayloadUnreadable}
 */
export async function* readFolder(root: string): AsyncGenerator<PayloadEntry> {
  yield* entriesIn(root, '');
}

async function* entriesIn(root: string, prefix: string): AsyncGenerator<PayloadEntry> {
  const listed = await attempt(root, prefix, () => readdir(join(root, prefix), { withFileTypes: true }));
  for (const entry of listed.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const name = prefix === '' ? entry.name : `${prefix}/${entry.name}`;
    const path = join(root, name);
    const { size, mode } = await attempt(root, name, () => lstat(path));
    yield {
      name,
      type: typeOf(entry),
      isExecutable: (mode & 0o111) !== 0,
      sizeBytes: size,
      chunks: () => fileChunks(root, name),
    };
    if (entry.isDirectory()) {
      yield* entriesIn(root, name);
    }
  }
}

function typeOf(entry: Dirent): string {
  if (entry.isFile()) {
    return 'file';
  }
  if (entry.isDirectory()) {
    return 'folder';
  }
  return entry.isSymbolicLink() ? 'symbolic link' : 'device, pipe or socket';
}

async function* fileChunks(root: string, name: string): AsyncGenerator<Uint8Array> {
  const file = await attempt(root, name, () => open(join(root, name), constants.O_RDONLY | noFollow));
  try {
    yield* file.createReadStream({ highWaterMark: 1024 * 1024, autoClose: false });
  } finally {
    await file.close();
  }
}

async function attempt<T>(root: string, name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (failure) {
    const path = name === '' ? root : `${root}: ${name}`;
    const problem = {
      path,
      problem: `cannot be read (${messageOf(failure)})`,
      remedy: 'check that it is there and may be read',
    };
    throw new PayloadUnreadable(problem, { cause: failure });
  }
}
