import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { MediumError } from '@sallyport/core/domain/exchange/medium-error';
import { mediumIndexName } from '@sallyport/core/wire/medium';
import type { MediumParts } from '@sallyport/engine/components/courier/courier-ports';
import { FileBlobs } from '@sallyport/engine/storage/files/blobs';
import { isMissing } from '@sallyport/engine/storage/files/file-errors';
import { FileMedium } from '@sallyport/engine/storage/files/file-medium';
import { onMedium } from '@sallyport/engine/storage/files/medium-failure';

/** What a medium of ours consists of; a trip that was killed may have left some of it. */
const ours: ReadonlySet<string> = new Set([
  mediumIndexName,
  'answers',
  'blobs',
  'metadata',
  'partial',
  'targets',
]);
/** What systems put on every disk by themselves. */
const ofTheDisk = /^(?:lost\+found|System Volume Information|\$RECYCLE\.BIN|\..*)$/;
const partName = /^part-([1-9]\d{0,3})$/;

/**
 * The folder that a medium is written to: empty, or an earlier trip's, which goes on. With parts, each is a folder
 * `part-<n>` in it, to be copied to a medium of its own.
 *
 * @throws {MediumError} NOT_EMPTY when it holds what is not a medium's
 */
export async function mediumParts(to: string, inParts: boolean): Promise<MediumParts> {
  const folder = resolve(to);
  const names = (await namesIn(folder)).filter((name) => !ofTheDisk.test(name));
  const parts = names.filter((name) => partName.test(name));
  const foreign = names.filter((name) => !ours.has(name) && !partName.test(name));
  const otherWay = inParts ? names.filter((name) => ours.has(name)) : parts;
  if (foreign.length > 0 || otherWay.length > 0) {
    const shown = [...foreign, ...otherWay].slice(0, 5).map((name) => JSON.stringify(name));
    const remedy =
      foreign.length > 0
        ? 'name an empty folder, or the medium of an earlier trip'
        : inParts
          ? 'go on without --max-size, or name an empty folder'
          : 'go on with --max-size, or name an empty folder';
    throw new MediumError(
      'NOT_EMPTY',
      `${folder} holds ${shown.join(', ')}, which ${foreign.length > 0 ? 'no medium has' : 'belongs to a medium written in another way'}: ${remedy}`,
      { folder },
    );
  }
  return {
    count: inParts
      ? Math.max(0, ...parts.map((name) => Number(partName.exec(name)?.[1])))
      : names.length > 0
        ? 1
        : 0,
    open: async (part) => {
      const place = inParts ? join(folder, `part-${part}`) : folder;
      return { folder: new FileMedium(place), blobs: await FileBlobs.open({ folder: place }) };
    },
  };
}

async function namesIn(folder: string): Promise<readonly string[]> {
  return onMedium(folder, async () => {
    try {
      return await readdir(folder);
    } catch (failure) {
      if (isMissing(failure)) return [];
      throw failure;
    }
  });
}

/** Media in the order of their parts: a folder that is one, or that has them as `part-<n>`. */
export async function mediaIn(folder: string): Promise<readonly string[]> {
  const names = await namesIn(resolve(folder));
  const parts = names.flatMap((name) => (partName.test(name) ? [Number(partName.exec(name)?.[1])] : []));
  if (names.includes(mediumIndexName) || parts.length === 0) return [resolve(folder)];
  return parts.toSorted((a, b) => a - b).map((part) => join(resolve(folder), `part-${part}`));
}

/** Files that may be requests: those of a folder, but for what the tool itself puts there; or the one file named. */
export async function requestFiles(from: string): Promise<readonly string[]> {
  const place = resolve(from);
  return onMedium(place, async () => {
    let entries;
    try {
      entries = await readdir(place, { withFileTypes: true });
    } catch (failure) {
      if (failure instanceof Error && 'code' in failure && failure.code === 'ENOTDIR') return [place];
      throw failure;
    }
    return entries
      .filter((entry) => entry.isFile() && !/^\.|\.(?:csv|lo_|log)$/i.test(entry.name))
      .map(({ name }) => join(place, name))
      .toSorted();
  });
}
