import type { PublishedRepository } from '../../ports/published-repository.ts';
import { type RepositorySource, RepositorySourceError } from '../../ports/repository.ts';
import type { DiskMount } from './disk.ts';

const metadataFolder = 'memory:repository/metadata/';
const targetsFolder = 'memory:repository/targets/';

/** A published repository on a disk in memory. */
export class MemoryPublishedRepository implements PublishedRepository {
  readonly name = 'memory:repository';
  readonly #mount: DiskMount;

  constructor(mount: DiskMount) {
    this.#mount = mount;
  }

  async metadata(name: string): Promise<Uint8Array | undefined> {
    return this.#mount.read(`${metadataFolder}${name}`)?.slice();
  }

  async target(path: string): Promise<Uint8Array | undefined> {
    return this.#mount.read(`${targetsFolder}${path}`)?.slice();
  }

  async putMetadata(name: string, bytes: Uint8Array): Promise<void> {
    this.#mount.writeDurably(`${metadataFolder}${name}`, bytes.slice());
  }

  async putTarget(path: string, bytes: Uint8Array): Promise<void> {
    this.#mount.writeDurably(`${targetsFolder}${path}`, bytes.slice());
  }
}

/** A published repository of the same process as its readers have it. */
export class PublishedRepositorySource implements RepositorySource {
  readonly name: string;
  readonly #published: Pick<PublishedRepository, 'metadata' | 'target'>;

  constructor(name: string, published: Pick<PublishedRepository, 'metadata' | 'target'>) {
    this.name = name;
    this.#published = published;
  }

  async metadata(
    name: string,
    { maxBytes }: { readonly maxBytes: number },
    signal: AbortSignal,
  ): Promise<Uint8Array | undefined> {
    signal.throwIfAborted();
    const bytes = await this.#published.metadata(name);
    return bytes && this.#limited(bytes, name, maxBytes);
  }

  async target(
    path: string,
    { maxBytes }: { readonly maxBytes: number },
    signal: AbortSignal,
  ): Promise<AsyncIterable<Uint8Array> | undefined> {
    signal.throwIfAborted();
    const bytes = await this.#published.target(path);
    return bytes && once(this.#limited(bytes, path, maxBytes));
  }

  #limited(bytes: Uint8Array, what: string, maxBytes: number): Uint8Array {
    if (bytes.length <= maxBytes) return bytes;
    throw new RepositorySourceError(
      'TOO_LARGE',
      `${what} of ${this.name} is ${bytes.length} bytes, more than the ${maxBytes} that are read`,
      { what, sizeBytes: bytes.length, maxBytes },
    );
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
