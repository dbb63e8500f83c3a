import { ContentError } from '@sallyport/core/domain/content/content-error';
import type { Tree, TreeFile } from '@sallyport/core/domain/content/tree';
import type { PackageGuid, ProductId } from '@sallyport/core/shared/ids';
import { type CurrentRelease, ReleaseError, type Releases } from '../../ports/releases.ts';
import {
  checkName,
  checkTree,
  isReleaseName,
  namesFor,
  parsePointer,
  printPointer,
} from '../release-rules.ts';
import { sha256Of } from '../sha256.ts';
import type { MemoryBlobs } from './blobs.ts';
import type { DiskMount } from './disk.ts';

const root = 'memory:products';
const decoder = new TextDecoder();

/**
 * Releases on a disk in memory, laid out as those in folders. File modes are not kept. Between two files of a
 * release others get their turn, so that a crash may come there.
 */
export class MemoryReleases implements Releases {
  readonly #mount: DiskMount;
  readonly #blobs: Pick<MemoryBlobs, 'pathOf' | 'remove'>;

  /** @param blobs on the same disk */
  constructor(mount: DiskMount, blobs: Pick<MemoryBlobs, 'pathOf' | 'remove'>) {
    this.#mount = mount;
    this.#blobs = blobs;
  }

  async current(product: ProductId): Promise<CurrentRelease | undefined> {
    return this.#pointer(product);
  }

  async products(): Promise<readonly ProductId[]> {
    const found = this.#mount
      .under(`${root}/`)
      .flatMap((path) => /^([^/]+)\/current\.json$/.exec(path)?.[1] ?? []);
    return found.toSorted() as ProductId[];
  }

  async folderFor(product: ProductId, guid: PackageGuid, version: string): Promise<string> {
    const names = namesFor(guid, version);
    for (const name of names) if (this.#ownerOf(product, name) === guid) return name;
    for (const name of names) {
      if (this.#ownerOf(product, name) !== undefined) continue;
      this.#mount.writeDurably(hidden(product, 'owner', name), new TextEncoder().encode(guid));
      return name;
    }
    throw new ReleaseError(
      'BAD_NAME',
      `no folder name is left for ${guid} among the releases of ${product}`,
      { product, guid },
    );
  }

  pathOf(product: ProductId, folder: string): string {
    checkName(folder);
    return `${root}/${product}/releases/${folder}`;
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
    const totalBytes = tree.files.reduce((sum, file) => sum + file.sizeBytes, 0);
    if (this.#exists(target)) {
      const [differing] = this.#differing(target, tree);
      if (differing === undefined) {
        progress(totalBytes);
        return;
      }
      this.#takeAway(product, folder, `it differs from what was published at ${differing}`);
    }
    const staging = hidden(product, 'staging', folder);
    for (const stranger of strangers(this.#mount.under(`${staging}/`), tree)) {
      this.#mount.remove(`${staging}/${stranger}`);
    }
    let doneBytes = 0;
    for (const file of tree.files) {
      signal.throwIfAborted();
      await this.#stageFile(`${staging}/${file.path}`, file);
      doneBytes += file.sizeBytes;
      progress(doneBytes);
      await Promise.resolve();
    }
    signal.throwIfAborted();
    this.#mount.rename(staging, target);
  }

  async verify(product: ProductId, folder: string, tree: Tree): Promise<readonly string[]> {
    checkTree(tree);
    return this.#differing(this.pathOf(product, folder), tree);
  }

  async switchTo(release: CurrentRelease): Promise<void> {
    const path = this.pathOf(release.product, release.folder);
    if (!this.#exists(path)) {
      throw new ReleaseError('MISSING', `there is no release at ${path}: stage it before switching to it`, {
        path,
      });
    }
    this.#mount.writeDurably(pointerOf(release.product), printPointer(release));
  }

  async remove(product: ProductId, folder: string): Promise<void> {
    checkName(folder);
    this.#takeAway(product, folder, 'it is the release in force');
    this.#mount.remove(hidden(product, 'staging', folder));
    this.#mount.remove(hidden(product, 'owner', folder));
  }

  async list(product: ProductId): Promise<readonly string[]> {
    const folders = this.#mount
      .under(`${root}/${product}/releases/`)
      .map((path) => path.slice(0, path.indexOf('/')));
    return [...new Set(folders)].filter((name) => isReleaseName(name)).toSorted();
  }

  async freeBytes(): Promise<number> {
    return this.#mount.disk.freeBytes();
  }

  async #stageFile(path: string, file: TreeFile): Promise<void> {
    if (isRight(this.#mount.read(path), file)) {
      this.#mount.sync(path);
      return;
    }
    const parts: Uint8Array[] = [];
    for (const segment of file.segments) {
      const bytes = this.#mount.read(this.#blobs.pathOf(segment.sha256));
      if (bytes === undefined) {
        throw new ContentError(
          'NOT_HELD',
          `${file.path} cannot be built: the content library lacks ${segment.sha256}; replicate the package again`,
          { path: file.path, sha256: segment.sha256 },
        );
      }
      if (sha256Of(bytes) !== segment.sha256) {
        await this.#blobs.remove(segment.sha256);
        throw new ContentError(
          'HASH_MISMATCH',
          `${segment.sha256} in the content library was damaged and has been removed: ` +
            'try again, which replicates it anew, and check the disk',
          { sha256: segment.sha256 },
        );
      }
      parts.push(bytes);
    }
    const [only] = parts;
    const bytes = parts.length === 1 && only !== undefined ? only : Buffer.concat(parts);
    if (!isRight(bytes, file)) {
      throw new ContentError(
        bytes.length === file.sizeBytes ? 'HASH_MISMATCH' : 'SIZE_MISMATCH',
        `${file.path} comes out as ${sha256Of(bytes)} (${bytes.length} bytes), not as ${file.sha256} (${file.sizeBytes} bytes)`,
        { path: file.path },
      );
    }
    this.#mount.write(path, bytes);
    await Promise.resolve();
    this.#mount.sync(path);
  }

  #differing(folder: string, tree: Tree): readonly string[] {
    const differing = new Set(strangers(this.#mount.under(`${folder}/`), tree));
    for (const file of tree.files) {
      if (!isRight(this.#mount.read(`${folder}/${file.path}`), file)) differing.add(file.path);
    }
    return [...differing].toSorted();
  }

  /** Removes a complete release, unless `current.json` names it: then `why` says what is wrong with that. */
  #takeAway(product: ProductId, folder: string, why: string): void {
    const path = this.pathOf(product, folder);
    if (!this.#exists(path)) return;
    if (this.#pointer(product)?.folder === folder) {
      throw new ReleaseError(
        'IN_USE',
        `${path} cannot be replaced or removed: ${why}; switch to another release first`,
        { path },
      );
    }
    // By one rename, so that half of a release never has its name.
    const removed = hidden(product, 'removed', folder);
    this.#mount.rename(path, removed);
    this.#mount.remove(removed);
  }

  #pointer(product: ProductId): CurrentRelease | undefined {
    const path = pointerOf(product);
    const bytes = this.#mount.read(path);
    return bytes === undefined ? undefined : parsePointer(decoder.decode(bytes), path);
  }

  /** The package that a folder name is kept for, or whose release has it. */
  #ownerOf(product: ProductId, folder: string): string | undefined {
    const owner = this.#mount.read(hidden(product, 'owner', folder));
    if (owner !== undefined) return decoder.decode(owner);
    const current = this.#pointer(product);
    if (current?.folder === folder) return current.guid;
    // Nobody knows whose it is: not ours to take.
    return this.#exists(this.pathOf(product, folder)) ? 'unknown' : undefined;
  }

  #exists(folder: string): boolean {
    return this.#mount.under(`${folder}/`).length > 0;
  }
}

function pointerOf(product: ProductId): string {
  return `${root}/${product}/current.json`;
}

/** Beside the complete releases, as in folders: what is staged, what is removed, and whose a name is. */
function hidden(product: ProductId, kind: 'owner' | 'removed' | 'staging', folder: string): string {
  checkName(folder);
  return `${root}/${product}/releases/.${kind}-${folder}`;
}

function isRight(bytes: Uint8Array | undefined, file: TreeFile): boolean {
  return bytes?.length === file.sizeBytes && sha256Of(bytes) === file.sha256;
}

function strangers(paths: readonly string[], tree: Tree): readonly string[] {
  const wanted = new Set(tree.files.map((file) => file.path));
  return paths.filter((path) => !wanted.has(path));
}
