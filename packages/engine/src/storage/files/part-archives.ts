import { constants } from 'node:fs';
import { type FileHandle, link, open, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { MediumError } from '@sallyport/core/domain/exchange/medium-error';
import type { PartArchive, PartArchives } from '../../ports/media.ts';
import { dropQuietly, syncFolder, temporaryBeside } from './durable-file.ts';
import { fileErrorCode, isMissing } from './file-errors.ts';
import { onMedium } from './medium-failure.ts';
import { parseTarHeader, tarBlockBytes, tarEnd, tarHeader, tarPadding } from './plain-tar.ts';

/** More parts than any request has: beyond it, listing them is somebody's attack. */
const partsMax = 2000;

/** Request files on disk: plain tar files. */
export const fileArchives: PartArchives = { create, open: openArchive };

async function create(
  path: string,
  write: (add: (name: string, bytes: Uint8Array) => Promise<void>) => Promise<void>,
): Promise<void> {
  await onMedium(path, async () => {
    // Before anything is sealed or signed for it: most mistakes are found here.
    if (await exists(path)) throw existing(path);
    const partial = temporaryBeside(path);
    try {
      const file = await open(partial, 'wx', 0o600);
      try {
        await write(async (name, bytes) => {
          await file.appendFile(tarHeader(name, bytes.length));
          await file.appendFile(bytes);
          await file.appendFile(new Uint8Array(tarPadding(bytes.length)));
        });
        await file.appendFile(tarEnd);
        await file.sync();
      } finally {
        await file.close();
      }
      await appear(partial, path);
      await syncFolder(dirname(path));
    } finally {
      await dropQuietly(partial);
    }
  });
}

/** Unlike a rename, a link fails when the name is taken; media without links (FAT) are looked at first. */
async function appear(partial: string, path: string): Promise<void> {
  try {
    await link(partial, path);
  } catch (failure) {
    if (fileErrorCode(failure) === 'EEXIST') throw existing(path, failure);
    if (await exists(path)) throw existing(path, failure);
    await rename(partial, path);
  }
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

function existing(path: string, cause?: unknown): MediumError {
  return new MediumError(
    'EXISTS',
    `${path} exists already and is not overwritten: name another file, or move it away`,
    { path },
    { cause },
  );
}

async function openArchive(path: string): Promise<PartArchive> {
  return onMedium(path, async () => {
    // Without O_NONBLOCK, opening a named pipe would wait for ever.
    const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    try {
      const stats = await file.stat();
      if (!stats.isFile()) {
        throw new MediumError('UNSAFE', `${path} is no plain file: name a request file`, { path });
      }
      return new FileArchive(path, file, await listParts(path, file, stats.size));
    } catch (failure) {
      await file.close();
      throw failure;
    }
  });
}

interface Place {
  readonly name: string;
  readonly sizeBytes: number;
  readonly at: number;
}

async function listParts(path: string, file: FileHandle, fileBytes: number): Promise<readonly Place[]> {
  const parts: Place[] = [];
  const names = new Set<string>();
  const block = Buffer.alloc(tarBlockBytes);
  for (let at = 0; ;) {
    const { bytesRead } = await file.read(block, 0, tarBlockBytes, at);
    if (bytesRead < tarBlockBytes) throw at === 0 ? notOne(path) : truncated(path);
    const header = parseTarHeader(block, path);
    if (header === 'end') return parts;
    at += tarBlockBytes;
    parts.push({ ...header, at });
    at += header.sizeBytes + tarPadding(header.sizeBytes);
    if (at > fileBytes) throw truncated(path);
    names.add(header.name);
    if (parts.length > partsMax || names.size < parts.length) {
      throw new MediumError(
        'EDITED',
        `${path} was altered: it has more parts than a request, or one twice; prepare a new one`,
        { path },
      );
    }
  }
}

class FileArchive implements PartArchive {
  readonly path: string;
  readonly parts: readonly Place[];
  readonly #file: FileHandle;

  constructor(path: string, file: FileHandle, parts: readonly Place[]) {
    this.path = path;
    this.#file = file;
    this.parts = parts;
  }

  async read(name: string, maxBytes: number): Promise<Uint8Array | undefined> {
    const part = this.parts.find((each) => each.name === name);
    if (part === undefined) return undefined;
    if (part.sizeBytes > maxBytes) {
      throw new MediumError(
        'EDITED',
        `${name} in ${this.path} has ${part.sizeBytes} bytes, and at most ${maxBytes} are read: it is not what was prepared; prepare a new one`,
        { path: this.path, part: name },
      );
    }
    return onMedium(this.path, async () => {
      const bytes = Buffer.alloc(part.sizeBytes);
      for (let done = 0; done < bytes.length;) {
        const { bytesRead } = await this.#file.read(bytes, done, bytes.length - done, part.at + done);
        if (bytesRead === 0) throw truncated(this.path);
        done += bytesRead;
      }
      return bytes;
    });
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

function truncated(path: string): MediumError {
  return new MediumError(
    'TRUNCATED',
    `${path} was cut short: copy it again from where it was prepared, or prepare a new one`,
    { path },
  );
}

function notOne(path: string): MediumError {
  return new MediumError(
    'NOT_A_REQUEST',
    `${path} is no request file of "sallyport tool prepare": name the file that it wrote`,
    { path },
  );
}
