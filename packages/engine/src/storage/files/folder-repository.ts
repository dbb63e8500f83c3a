import { constants, createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { RepositorySourceError } from '../../ports/repository.ts';
import type { RepositorySource } from '../../ports/repository.ts';

/** Where a repository lies on disk: a published folder, or a courier's medium. */
export interface FolderRepositoryFolders {
  readonly metadata: string;
  readonly targets: string;
}

/**
 * A repository in a folder. The folder is foreign: nothing but plain files inside it is read, no link is followed at
 * the end of a path, and nothing is ever written.
 */
export class FolderRepository implements RepositorySource {
  readonly name: string;
  readonly #folders: FolderRepositoryFolders;

  constructor(folders: FolderRepositoryFolders) {
    this.name = folders.metadata;
    this.#folders = folders;
  }

  async metadata(
    name: string,
    limits: { readonly maxBytes: number },
    signal: AbortSignal,
  ): Promise<Uint8Array | undefined> {
    const file = await this.#open(this.#folders.metadata, name, limits.maxBytes, signal);
    if (file === undefined) {
      return undefined;
    }
    try {
      return await readLimited(file, name, limits.maxBytes);
    } finally {
      await file.close();
    }
  }

  async target(
    path: string,
    limits: { readonly maxBytes: number },
    signal: AbortSignal,
  ): Promise<AsyncIterable<Uint8Array> | undefined> {
    const file = await this.#open(this.#folders.targets, path, limits.maxBytes, signal);
    return file === undefined ? undefined : chunksOf(file, path, limits.maxBytes, signal);
  }

  async #open(
    folder: string,
    path: string,
    maxBytes: number,
    signal: AbortSignal,
  ): Promise<FileHandle | undefined> {
    signal.throwIfAborted();
    const place = join(folder, ...segmentsOf(path));
    const file = await openIfThere(place);
    try {
      const stats = await file?.stat();
      if (file !== undefined && stats?.isFile() !== true) {
        throw new RepositorySourceError(
          'BAD_NAME',
          `${place} is no plain file: only files are read from a repository folder`,
          { path },
        );
      }
      if (stats !== undefined && stats.size > maxBytes) {
        throw tooLarge(path, maxBytes);
      }
      return file;
    } catch (error) {
      await file?.close();
      throw error;
    }
  }
}

/** The segments of a path that stays where it is: relative, no `.` or `..`, nothing that Windows reads differently. */
function segmentsOf(path: string): readonly string[] {
  const segments = path.split('/');
  if (
    segments.some(
      (segment) => segment === '' || segment === '.' || segment === '..' || /[\\:\0]/.test(segment),
    )
  ) {
    throw new RepositorySourceError(
      'BAD_NAME',
      `${JSON.stringify(path)} is no path within a repository folder`,
      { path },
    );
  }
  return segments;
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    // Without O_NONBLOCK, opening a named pipe on a foreign medium would wait for ever.
    return await open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ENAMETOOLONG') {
      return undefined;
    }
    if (code === 'ELOOP') {
      throw new RepositorySourceError(
        'BAD_NAME',
        `${path} is a symbolic link: only files are read from a repository folder`,
        { path },
        { cause },
      );
    }
    throw new RepositorySourceError(
      'UNREACHABLE',
      `${path} cannot be opened (${String(code)}): check the medium and its permissions`,
      { path },
      { cause },
    );
  }
}

async function readLimited(file: FileHandle, name: string, maxBytes: number): Promise<Uint8Array> {
  // One byte more than allowed tells a file that grew after it was looked at.
  const buffer = Buffer.alloc(Math.min(maxBytes, (await file.stat()).size) + 1);
  let sizeBytes = 0;
  for (;;) {
    const { bytesRead } = await file.read(buffer, sizeBytes, buffer.length - sizeBytes, sizeBytes);
    sizeBytes += bytesRead;
    if (bytesRead === 0) {
      return buffer.subarray(0, sizeBytes);
    }
    if (sizeBytes === buffer.length) {
      throw tooLarge(name, maxBytes);
    }
  }
}

async function* chunksOf(
  file: FileHandle,
  path: string,
  maxBytes: number,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  let sizeBytes = 0;
  const stream = createReadStream('', { fd: file, signal, highWaterMark: 256 * 1024 });
  for await (const chunk of stream as AsyncIterable<Uint8Array>) {
    sizeBytes += chunk.length;
    if (sizeBytes > maxBytes) {
      throw tooLarge(path, maxBytes);
    }
    yield chunk;
  }
}

function tooLarge(path: string, maxBytes: number): RepositorySourceError {
  return new RepositorySourceError(
    'TOO_LARGE',
    `${path} is longer than the ${maxBytes} bytes allowed: it is not what was published, or the medium is damaged`,
    {
      path,
      maxBytes,
    },
  );
}
