import { access, chmod, constants, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

/** In memory, where there is such a place: thousands of syncs cost nothing there, and nothing is really cut off. */
const memoryDisk = '/dev/shm';

/** Makes an empty folder at each call, for cases of one test; all are removed when it ends, read-only ones too. */
export async function caseFolders(t: TestContext): Promise<() => Promise<string>> {
  const place = await access(memoryDisk, constants.W_OK).then(
    () => memoryDisk,
    () => tmpdir(),
  );
  const root = await mkdtemp(join(place, 'sallyport-'));
  t.after(() => removeAll(root));
  let count = 0;
  return async () => {
    count += 1;
    const folder = join(root, `case-${count}`);
    await mkdir(folder);
    return folder;
  };
}

/** Removes a folder whose folders may be read-only. */
export async function removeAll(folder: string): Promise<void> {
  await unlockAll(folder);
  await rm(folder, { recursive: true, force: true });
}

async function unlockAll(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) await unlockAll(join(folder, entry.name));
  }
}

/** Every file and folder below a folder, sorted. */
export async function namesBelow(folder: string): Promise<readonly string[]> {
  return (await readdir(folder, { recursive: true })).toSorted();
}
