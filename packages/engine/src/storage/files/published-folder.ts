import { dirname, join } from 'node:path';
import { CloudError } from '../../ports/cloud-error.ts';
import type { PublishedRepository } from '../../ports/published-repository.ts';
import { RepositorySourceError } from '../../ports/repository.ts';
import { sweepTemporaries, writeFileDurably } from './durable-file.ts';
import { makeFolderDurably } from './durable-folder.ts';
import { FolderRepository } from './folder-repository.ts';

/** Larger than any file a publisher here writes: beyond it, the file is not ours. */
const fileMaxBytes = 32 * 1024 * 1024;

/** A published repository as a folder with `metadata/` and `targets/`, ready for any static web server. */
export class PublishedFolder implements PublishedRepository {
  readonly name: string;
  readonly #metadata: string;
  readonly #targets: string;
  readonly #reader: FolderRepository;
  readonly #swept = new Set<string>();

  constructor(folder: string) {
    this.name = folder;
    this.#metadata = join(folder, 'metadata');
    this.#targets = join(folder, 'targets');
    this.#reader = new FolderRepository({ metadata: this.#metadata, targets: this.#targets });
  }

  async metadata(name: string): Promise<Uint8Array | undefined> {
    return readOwn(join(this.#metadata, name), (signal) =>
      this.#reader.metadata(name, { maxBytes: fileMaxBytes }, signal),
    );
  }

  async target(path: string): Promise<Uint8Array | undefined> {
    return readOwn(join(this.#targets, path), async (signal) => {
      const chunks = await this.#reader.target(path, { maxBytes: fileMaxBytes }, signal);
      return chunks === undefined ? undefined : Buffer.concat(await Array.fromAsync(chunks));
    });
  }

  async putMetadata(name: string, bytes: Uint8Array): Promise<void> {
    await this.#put(join(this.#metadata, name), bytes);
  }

  async putTarget(path: string, bytes: Uint8Array): Promise<void> {
    await this.#put(join(this.#targets, path), bytes);
  }

  async #put(place: string, bytes: Uint8Array): Promise<void> {
    const folder = dirname(place);
    await makeFolderDurably(folder);
    // Whoever writes holds the repository's lock: what is left here was left by a process that was killed.
    if (!this.#swept.has(folder)) await sweepTemporaries(folder);
    this.#swept.add(folder);
    await writeFileDurably(place, bytes);
  }
}

async function readOwn(
  place: string,
  read: (signal: AbortSignal) => Promise<Uint8Array | undefined>,
): Promise<Uint8Array | undefined> {
  try {
    return await read(new AbortController().signal);
  } catch (cause) {
    if (cause instanceof RepositorySourceError) {
      throw new CloudError(
        'BROKEN_REPOSITORY',
        `${place} is not as it was published: ${cause.message}. Restore the repository from a copy`,
        { place },
        { cause },
      );
    }
    throw cause;
  }
}
