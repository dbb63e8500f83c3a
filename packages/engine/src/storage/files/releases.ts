import { readdir, readFile, rename, rm, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { Tree } from '@sallyport/core/domain/content/tree';
import { productId, type PackageGuid, type ProductId } from '@sallyport/core/shared/ids';
import { type CurrentRelease, ReleaseError, type Releases } from '../../ports/releases.ts';
import { checkName, checkTree, isReleaseName, namesFor } from '../release-rules.ts';
import { renameDurably, sweepTemporaries, syncFolder, writeFileDurably } from './durable-file.ts';
import { makeFolderDurably } from './durable-folder.ts';
import { isMissing } from './file-errors.ts';
import { needingRoom, onDisk } from './on-disk.ts';
import { compareTree, type ReleaseFilesPorts, unlock, writeTree } from './release-files.ts';
import { readPointer, writePointer } from './release-pointer.ts';

export interface FileReleasesOptions extends ReleaseFilesPorts {
  /** The site's `products` folder. */
  readonly folder: string;
}

const stagingPrefix = '.staging-';
const removedPrefix = '.removed-';
const ownerPrefix = '.owner-';

/**
 * Releases as folders. Beside the complete ones `releases/` holds, each with a dot in front: what is being staged
 * (`.staging-<folder>`), what is being removed (`.removed-<folder>`), and which package a folder name is kept for
 * (`.owner-<folder>`). A release gets its name by one rename, and loses it by one.
 */
export class FileReleases implements Releases {
  readonly #root: string;
  readonly #ports: ReleaseFilesPorts;

  constructor(options: FileReleasesOptions) {
    this.#root = options.folder;
    this.#ports = options;
  }

  async current(product: ProductId): Promise<CurrentRelease | undefined> {
    return readPointer(this.#pointerOf(product));
  }

  async products(): Promise<readonly ProductId[]> {
    const found: ProductId[] = [];
    for (const name of await namesIn(this.#root)) {
      // Something else that lies here (`lost+found`) is no product and no error.
      if (isProduct(name) && (await this.current(name)) !== undefined) found.push(name);
    }
    return found.toSorted();
  }

  async folderFor(product: ProductId, guid: PackageGuid, version: string): Promise<string> {
    const names = namesFor(guid, version);
    for (const name of names) if ((await this.#ownerOf(product, name)) === guid) return name;
    for (const name of names) {
      if ((await this.#ownerOf(product, name)) !== undefined) continue;
      await makeFolderDurably(this.#releasesOf(product));
      await writeFileDurably(this.#hidden(product, ownerPrefix, name), new TextEncoder().encode(guid));
      return name;
    }
    throw new ReleaseError(
      'BAD_NAME',
      `no folder name is left for ${guid} among the releases of ${product}`,
      {
        product,
        guid,
      },
    );
  }

  pathOf(product: ProductId, folder: string): string {
    checkName(folder);
    return join(this.#releasesOf(product), folder);
  }

  async stage(
    product: ProductId,
    folder: string,
    tree: Tree,
    progress: (doneBytes: number) => void,
    signal: AbortSignal,
  ): Promise<void> {
    checkTree(tree);
    const target = this.pathOf(product, folder);
    await onDisk(target, () => this.#stage({ product, folder, target, tree }, progress, signal));
  }

  async #stage(
    {
      product,
      folder,
      target,
      tree,
    }: {
      readonly product: ProductId;
      readonly folder: string;
      readonly target: string;
      readonly tree: Tree;
    },
    progress: (doneBytes: number) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const releases = this.#releasesOf(product);
    await makeFolderDurably(releases);
    await this.#sweep(product);
    if (await exists(target)) {
      const differing = await compareTree(this.#ports, target, tree, signal);
      if (differing.length === 0) {
        // Whoever gave it its name may have been killed, or refused by the disk, before the name was durable.
        await syncFolder(releases);
        progress(tree.files.reduce((sum, file) => sum + file.sizeBytes, 0));
        return;
      }
      await this.#takeAway(product, folder, `it differs from what was published at ${differing[0] ?? ''}`);
    }
    const staging = this.#hidden(product, stagingPrefix, folder);
    const sizeBytes = tree.files.reduce((sum, file) => sum + file.sizeBytes, 0);
    await needingRoom(releases, { what: 'the release', sizeBytes }, async () => {
      await writeTree(this.#ports, staging, tree, progress, signal);
      signal.throwIfAborted();
      await renameDurably(staging, target);
    });
  }

  async verify(
    product: ProductId,
    folder: string,
    tree: Tree,
    signal: AbortSignal,
  ): Promise<readonly string[]> {
    checkTree(tree);
    const path = this.pathOf(product, folder);
    if (!(await exists(path))) return tree.files.map((file) => file.path);
    return onDisk(path, () => compareTree(this.#ports, path, tree, signal));
  }

  async switchTo(release: CurrentRelease): Promise<void> {
    const path = this.pathOf(release.product, release.folder);
    if (!(await exists(path))) {
      throw new ReleaseError('MISSING', `there is no release at ${path}: stage it before switching to it`, {
        path,
      });
    }
    await writePointer(this.#pointerOf(release.product), release);
  }

  async remove(product: ProductId, folder: string): Promise<void> {
    checkName(folder);
    await onDisk(this.pathOf(product, folder), async () => {
      await this.#takeAway(product, folder, 'it is the release in force');
      await discard(this.#hidden(product, stagingPrefix, folder));
      await rm(this.#hidden(product, ownerPrefix, folder), { force: true });
    });
  }

  async list(product: ProductId): Promise<readonly string[]> {
    return (await namesIn(this.#releasesOf(product))).filter((name) => isReleaseName(name)).toSorted();
  }

  async freeBytes(): Promise<number> {
    await makeFolderDurably(this.#root);
    const disk = await statfs(this.#root);
    return disk.bavail * disk.bsize;
  }

  /** Removes a complete release, unless `current.json` names it: then `why` says what is wrong with that. */
  async #takeAway(product: ProductId, folder: string, why: string): Promise<void> {
    const path = this.pathOf(product, folder);
    if (!(await exists(path))) return;
    if ((await this.current(product))?.folder === folder) {
      throw new ReleaseError(
        'IN_USE',
        `${path} cannot be replaced or removed: ${why}; switch to another release first`,
        {
          path,
        },
      );
    }
    const removed = this.#hidden(product, removedPrefix, folder);
    await discard(removed);
    await rename(path, removed);
    await syncFolder(this.#releasesOf(product));
    await discard(removed);
  }

  /** Ends removals, and removes what is left of writes, that a crash interrupted. */
  async #sweep(product: ProductId): Promise<void> {
    const releases = this.#releasesOf(product);
    for (const folder of [releases, this.#folderOf(product)]) await sweepTemporaries(folder);
    for (const name of await namesIn(releases)) {
      if (name.startsWith(removedPrefix)) await discard(join(releases, name));
    }
  }

  /** The package that a folder name is kept for, or whose release has it. */
  async #ownerOf(product: ProductId, folder: string): Promise<string | undefined> {
    try {
      return (await readFile(this.#hidden(product, ownerPrefix, folder), 'utf8')).trim();
    } catch (failure) {
      if (!isMissing(failure)) throw failure;
    }
    const current = await this.current(product);
    if (current?.folder === folder) return current.guid;
    // Nobody knows whose it is: not ours to take.
    return (await exists(this.pathOf(product, folder))) ? 'unknown' : undefined;
  }

  #folderOf(product: ProductId): string {
    return join(this.#root, productId(product));
  }

  #releasesOf(product: ProductId): string {
    return join(this.#folderOf(product), 'releases');
  }

  #pointerOf(product: ProductId): string {
    return join(this.#folderOf(product), 'current.json');
  }

  #hidden(product: ProductId, prefix: string, folder: string): string {
    checkName(folder);
    return join(this.#releasesOf(product), `${prefix}${folder}`);
  }
}

function isProduct(name: string): name is ProductId {
  try {
    return productId(name) === name;
  } catch {
    return false;
  }
}

async function discard(path: string): Promise<void> {
  if (!(await exists(path))) return;
  await unlock(path);
  await rm(path, { recursive: true, force: true });
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (failure) {
    if (isMissing(failure)) return false;
    throw failure;
  }
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (failure) {
    if (isMissing(failure)) return [];
    throw failure;
  }
}
