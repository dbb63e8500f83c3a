import { readFile, stat } from 'node:fs/promises';
import type { CurrentRelease } from '../../ports/releases.ts';
import { damagedPointer, parsePointer, printPointer } from '../release-rules.ts';
import { writeFileDurably } from './durable-file.ts';
import { isMissing } from './file-errors.ts';

const sizeMaxBytes = 1024 * 1024;

/**
 * Reads a `current.json`; undefined when there is none.
 *
 * @throws {ReleaseError} BAD_POINTER for a file that does not name a release
 */
export async function readPointer(path: string): Promise<CurrentRelease | undefined> {
  let text: string;
  try {
    if ((await stat(path)).size > sizeMaxBytes) throw damagedPointer(path, 'it is too large');
    text = await readFile(path, 'utf8');
  } catch (failure) {
    if (isMissing(failure)) return undefined;
    throw failure;
  }
  return parsePointer(text, path);
}

/** Replaces a `current.json`: a reader sees the release before or this one. */
export async function writePointer(path: string, release: CurrentRelease): Promise<void> {
  await writeFileDurably(path, printPointer(release));
}
