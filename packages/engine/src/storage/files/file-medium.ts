import { constants } from 'node:fs';
import { lstat, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { MediumError } from '@sallyport/core/domain/exchange/medium-error';
import type { MediumFolder } from '../../ports/media.ts';
import { writeFileDurably } from './durable-file.ts';
import { makeFolderDurably } from './durable-folder.ts';
import { fileErrorCode, isMissing } from './file-errors.ts';
import { onMedium } from './medium-failure.ts';

/** A medium in a folder. Reading changes nothing of it, not even a time that it keeps of its files. */
export class FileMedium implements MediumFolder {
  readonly place: string;

  constructor(folder: string) {
    this.place = folder;
  }

  async read(path: string, maxBytes: number): Promise<Uint8Array | undefined> {
    const place = join(this.place, ...segmentsOf(path));
    return onMedium(place, async () => {
      if (!(await this.#isPlainWay(path))) return undefined;
      const file = await openPlain(place);
      if (file === undefined) return undefined;
      try {
        const { size } = await file.stat();
        // One byte more than there is tells a file that grew after it was looked at.
        const buffer = Buffer.alloc(Math.min(size, maxBytes) + 1);
        let sizeBytes = 0;
        for (;;) {
          const { bytesRead } = await file.read(buffer, sizeBytes, buffer.length - sizeBytes, sizeBytes);
          sizeBytes += bytesRead;
          if (bytesRead === 0) return buffer.subarray(0, sizeBytes);
          if (sizeBytes > maxBytes || sizeBytes === buffer.length) throw tooLarge(place, maxBytes);
        }
      } finally {
        await file.close();
      }
    });
  }

  async write(path: string, bytes: Uint8Array): Promise<void> {
    const place = join(this.place, ...segmentsOf(path));
    await onMedium(place, async () => {
      await makeFolderDurably(dirname(place));
      await writeFileDurably(place, bytes);
    });
  }

  /** Whether each folder on the way is there. A link in its place leads away from the medium: it is refused. */
  async #isPlainWay(path: string): Promise<boolean> {
    let at = this.place;
    for (const segment of segmentsOf(path).slice(0, -1)) {
      at = join(at, segment);
      try {
        if (!(await lstat(at)).isDirectory()) throw unsafe(at);
      } catch (failure) {
        if (isMissing(failure)) return false;
        throw failure;
      }
    }
    return true;
  }
}

async function openPlain(place: string) {
  try {
    const file = await open(
      place,
      constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0),
    );
    if ((await file.stat()).isFile()) return file;
    await file.close();
    throw unsafe(place);
  } catch (failure) {
    if (isMissing(failure)) return undefined;
    if (fileErrorCode(failure) === 'ELOOP') throw unsafe(place, failure);
    throw failure;
  }
}

function segmentsOf(path: string): readonly string[] {
  const segments = path.split('/');
  if (segments.some((segment) => /^\.{0,2}$/.test(segment) || /[\\:\0]/.test(segment))) {
    throw new MediumError('UNSAFE', `${JSON.stringify(path)} is no path within a medium`, { path });
  }
  return segments;
}

function unsafe(place: string, cause?: unknown): MediumError {
  return new MediumError(
    'UNSAFE',
    `${place} is a link or a device where a plain file or folder belongs: nothing is read through it; have the medium written anew`,
    { place },
    { cause },
  );
}

function tooLarge(place: string, maxBytes: number): MediumError {
  return new MediumError(
    'EDITED',
    `${place} is larger than the ${maxBytes} bytes that are read of it: it is not what the tool wrote; have the medium written anew`,
    { place, maxBytes },
  );
}
