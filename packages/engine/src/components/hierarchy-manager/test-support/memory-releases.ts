import type { ProductId } from '@sallyport/core/shared/ids';
import type { CurrentRelease, Releases } from '../../../ports/releases.ts';

/** Which releases are in force, without any files: for whoever only asks. */
export class MemoryReleases implements Releases {
  readonly #current = new Map<ProductId, CurrentRelease>();

  async current(product: ProductId): Promise<CurrentRelease | undefined> {
    return this.#current.get(product);
  }

  async products(): Promise<readonly ProductId[]> {
    return [...this.#current.keys()];
  }

  async switchTo(release: CurrentRelease): Promise<void> {
    this.#current.set(release.product, release);
  }

  async folderFor(_product: ProductId, _guid: unknown, version: string): Promise<string> {
    return version;
  }

  pathOf(product: ProductId, folder: string): string {
    return `/releases/${product}/${folder}`;
  }

  async stage(): Promise<void> {
    throw new Error('no files here');
  }

  async verify(): Promise<readonly string[]> {
    return [];
  }

  async remove(): Promise<void> {
    throw new Error('no files here');
  }

  async list(product: ProductId): Promise<readonly string[]> {
    return [...this.#current.values()]
      .filter((release) => release.product === product)
      .map(({ folder }) => folder);
  }

  async freeBytes(): Promise<number> {
    return 1_000_000_000;
  }
}
