import { readFile, stat } from 'node:fs/promises';
import { messageOf } from '@sallyport/core/shared/errors';
import { packageGuid, productId } from '@sallyport/core/shared/ids';
import { type CurrentRelease, ReleaseError } from '../../ports/releases.ts';
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
    if ((await stat(path)).size > sizeMaxBytes) throw damaged(path, 'it is too large');
    text = await readFile(path, 'utf8');
  } catch (failure) {
    if (isMissing(failure)) return undefined;
    throw failure;
  }
  try {
    return parse(JSON.parse(text) as unknown);
  } catch (failure) {
    throw damaged(path, messageOf(failure), failure);
  }
}

/** Replaces a `current.json`: a reader sees the release before or this one. */
export async function writePointer(path: string, release: CurrentRelease): Promise<void> {
  const { product, guid, version, folder, treeSha256, installed } = release;
  const document = { schema: 1, product, guid, version, folder, treeSha256, installed };
  await writeFileDurably(path, new TextEncoder().encode(`${JSON.stringify(document, null, 2)}\n`));
}

function parse(value: unknown): CurrentRelease {
  if (typeof value !== 'object' || value === null) throw new TypeError('it is no object');
  const fields = value as Readonly<Record<string, unknown>>;
  if (fields['schema'] !== 1) throw new TypeError('its schema is not 1');
  const installed = fields['installed'];
  if (!Array.isArray(installed)) throw new TypeError('"installed" is no list');
  return {
    product: productId(textOf(fields, 'product')),
    guid: packageGuid(textOf(fields, 'guid')),
    version: textOf(fields, 'version'),
    folder: textOf(fields, 'folder'),
    treeSha256: textOf(fields, 'treeSha256'),
    installed: installed.map((guid) => packageGuid(String(guid))),
  };
}

function textOf(fields: Readonly<Record<string, unknown>>, name: string): string {
  const value = fields[name];
  if (typeof value !== 'string' || value === '') throw new TypeError(`"${name}" is missing`);
  return value;
}

function damaged(path: string, why: string, cause?: unknown): ReleaseError {
  return new ReleaseError(
    'BAD_POINTER',
    `${path} does not name a release: ${why}; restore it from a backup of this folder`,
    { path },
    { cause },
  );
}
