import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { copyFile, lstat, mkdir, open, readdir, rm, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ContentError } from '@sallyport/core/domain/content/content-error';
import { diskFailure } from '@sallyport/core/domain/content/disk-failure';
import type { BlobRef, Tree, TreeFile } from '@sallyport/core/domain/content/tree';
import type { Blobs } from '../../ports/blobs.ts';
import type { Compute } from '../../ports/compute.ts';
import { syncOrDrop } from './blob-files.ts';
import { damaged, DamagedSegment, withOthers } from './damaged-segments.ts';
import { dropQuietly, syncFolder } from './durable-file.ts';
import { fileErrorCode, isMissing } from './file-errors.ts';

/** What building and comparing releases needs. */
export interface ReleaseFilesPorts {
  readonly blobs: Pick<Blobs, 'pathOf' | 'read' | 'remove' | 'sizeOf'>;
  readonly compute: Pick<Compute, 'hashFile'>;
}

/** Files that are worked on at once. */
const parallelMax = 4;
const isWindows = process.platform === 'win32';

/**
 * Makes `folder` hold exactly the tree's files: verified, read-only and durable, each and the folders too. Files
 * that are there already and right are kept; everything else that is there is removed.
 *
 * @throws {ContentError} NOT_HELD, HASH_MISMATCH, SIZE_MISMATCH, DISK_FULL
 */
export async function writeTree(
  ports: ReleaseFilesPorts,
  folder: string,
  tree: Tree,
  progress: (doneBytes: number) => void,
  signal: AbortSignal,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  await unlock(folder);
  await removeStrangers(folder, tree);
  for (const relative of foldersOf(tree)) await mkdir(join(folder, relative), { recursive: true });
  let doneBytes = 0;
  try {
    await inParallel(tree.files, signal, async (file) => {
      const path = join(folder, file.path);
      if (!(await isRight(ports, path, file, signal))) {
        await rm(path, { recursive: true, force: true });
        await writeFile(ports, path, file, signal);
      }
      await seal(path, file);
      doneBytes += file.sizeBytes;
      progress(doneBytes);
    });
  } catch (failure) {
    throw failure instanceof DamagedSegment ? await withOthers(ports, tree, failure, signal) : failure;
  }
  for (const relative of foldersOf(tree).toReversed()) await sealFolder(join(folder, relative));
  await sealFolder(folder);
}

/** Paths that differ from the tree, are missing or are too many, sorted. */
export async function compareTree(
  ports: ReleaseFilesPorts,
  folder: string,
  tree: Tree,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const differing = new Set(await strangers(folder, tree));
  await inParallel(tree.files, signal, async (file) => {
    const path = join(folder, file.path);
    if (!(await isRight(ports, path, file, signal)) || !(await hasRightMode(path, file))) {
      differing.add(file.path);
    }
  });
  return [...differing].toSorted();
}

/** Lets the owner change the folder and those in it again, so that they can be removed. */
export async function unlock(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0)).catch(
    (failure: unknown) => {
      // Windows cannot open folders, and their read-only mark does not keep anything from being removed.
      if (isWindows) return undefined;
      throw failure;
    },
  );
  if (handle === undefined) return;
  try {
    await handle.chmod(0o755);
  } finally {
    await handle.close();
  }
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) await unlock(join(folder, entry.name));
  }
}

async function writeFile(
  ports: ReleaseFilesPorts,
  path: string,
  file: TreeFile,
  signal: AbortSignal,
): Promise<void> {
  const [only] = file.segments;
  try {
    if (only !== undefined && file.segments.length === 1) {
      // Shares the blob's blocks where the file system can, and copies where it cannot.
      const flags = constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE;
      await copyFile(ports.blobs.pathOf(only.sha256), path, flags);
    } else {
      const handle = await open(path, 'wx');
      try {
        for (const segment of file.segments) await append(ports, handle, segment, signal);
      } finally {
        await handle.close();
      }
    }
  } catch (failure) {
    await dropQuietly(path);
    if (isMissing(failure)) throw await missing(ports, file, failure);
    throw fileErrorCode(failure) === undefined ? failure : diskFailure(failure, path);
  }
  const written = await ports.compute.hashFile(path, signal);
  if (written.sha256 === file.sha256 && written.sizeBytes === file.sizeBytes) return;
  await rm(path, { force: true });
  throw await damaged(ports, file, written, signal);
}

async function append(
  ports: ReleaseFilesPorts,
  handle: FileHandle,
  segment: BlobRef,
  signal: AbortSignal,
): Promise<void> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  for await (const chunk of ports.blobs.read(segment.sha256)) {
    signal.throwIfAborted();
    hash.update(chunk);
    sizeBytes += chunk.length;
    await handle.writeFile(chunk);
  }
  if (sizeBytes === segment.sizeBytes && hash.digest('hex') === segment.sha256) return;
  await ports.blobs.remove(segment.sha256);
  throw new DamagedSegment(segment.sha256);
}

/** Whether a plain file with the right bytes is there. Links do not count: what they lead to can change. */
async function isRight(
  ports: ReleaseFilesPorts,
  path: string,
  file: TreeFile,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    const found = await lstat(path);
    if (!found.isFile() || found.size !== file.sizeBytes) return false;
    return (await ports.compute.hashFile(path, signal)).sha256 === file.sha256;
  } catch (failure) {
    if (isMissing(failure)) return false;
    throw failure;
  }
}

async function hasRightMode(path: string, file: TreeFile): Promise<boolean> {
  if (isWindows) return true;
  return ((await lstat(path)).mode & 0o777) === modeAtRest(file);
}

/** Releases are read-only at rest; of the tree's mode it is only the execute bits that matter. */
function modeAtRest(file: TreeFile): number {
  return file.mode & 0o555;
}

async function seal(path: string, file: TreeFile): Promise<void> {
  const handle = await openToSync(path);
  try {
    await handle.chmod(modeAtRest(file));
    await syncOrDrop(handle, path);
  } finally {
    await handle.close();
  }
}

/** Linux and macOS sync what is open for reading; Windows wants it open for writing. */
async function openToSync(path: string): Promise<FileHandle> {
  return open(path, isWindows ? 'r+' : 'r');
}

async function sealFolder(folder: string): Promise<void> {
  if (isWindows) return;
  const handle = await open(folder, 'r');
  try {
    await handle.chmod(0o555);
  } finally {
    await handle.close();
  }
  await syncFolder(folder);
}

/** Every folder that the tree's files need, parents first. */
function foldersOf(tree: Tree): readonly string[] {
  const folders = new Set<string>();
  for (const file of tree.files) {
    for (let at = dirname(file.path); at !== '.'; at = dirname(at)) folders.add(at);
  }
  return [...folders].toSorted();
}

/** What lies in the folder and belongs to no file of the tree; of a strange folder only its own path. */
async function strangers(folder: string, tree: Tree): Promise<readonly string[]> {
  const files = new Set(tree.files.map((file) => file.path));
  const folders = new Set(foldersOf(tree));
  const found: string[] = [];
  const visit = async (relative: string): Promise<void> => {
    for (const entry of await readdir(join(folder, relative), { withFileTypes: true })) {
      const path = relative === '' ? entry.name : `${relative}/${entry.name}`;
      if (entry.isDirectory() && folders.has(path)) await visit(path);
      else if (!entry.isFile() || !files.has(path)) found.push(path);
    }
  };
  await visit('');
  return found;
}

async function removeStrangers(folder: string, tree: Tree): Promise<void> {
  for (const path of await strangers(folder, tree))
    await rm(join(folder, path), { recursive: true, force: true });
}

async function missing(ports: ReleaseFilesPorts, file: TreeFile, cause: unknown): Promise<ContentError> {
  for (const segment of file.segments) {
    if ((await ports.blobs.sizeOf(segment.sha256)) !== undefined) continue;
    return new ContentError(
      'NOT_HELD',
      `${file.path} cannot be built: the content library lacks ${segment.sha256}; replicate the package again`,
      { path: file.path, sha256: segment.sha256 },
      { cause },
    );
  }
  return new ContentError(
    'NOT_HELD',
    `${file.path} cannot be built: its folder has gone`,
    { path: file.path },
    { cause },
  );
}

async function inParallel<T>(
  items: readonly T[],
  signal: AbortSignal,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const queue = items.values();
  const failures: unknown[] = [];
  const worker = async (): Promise<void> => {
    for (const item of queue) {
      if (failures.length > 0) return;
      try {
        signal.throwIfAborted();
        await work(item);
      } catch (failure) {
        failures.push(failure);
      }
    }
  };
  await Promise.all(Array.from({ length: parallelMax }, worker));
  if (failures.length > 0) throw failures[0];
}
