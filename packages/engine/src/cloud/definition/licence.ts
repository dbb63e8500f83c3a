import { readFile, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { Tree } from '@sallyport/core/domain/content/tree';
import type { Licence } from '@sallyport/core/domain/updates/package';
import type { Blobs } from '../../ports/blobs.ts';
import type { ReadDefinition } from './definition.ts';
import { nearest } from './nearest.ts';

/** As the descriptor allows it. */
const licenceMaxBytes = 64 * 1024;

/**
 * Checks the licence as far as that is possible before the payload is in the library.
 *
 * @param sizes of the release's files; undefined when they are not known because of other problems
 */
export async function checkLicence(
  definition: ReadDefinition,
  sizes: ReadonlyMap<string, number> | undefined,
): Promise<void> {
  const { licence } = definition.partial;
  if (licence?.payloadFile === undefined) {
    await readLicence(definition, undefined);
    return;
  }
  const size = sizes?.get(licence.payloadFile);
  if (sizes === undefined) {
    return;
  }
  if (size === undefined) {
    const meant = nearest(licence.payloadFile, sizes.keys());
    definition.source.reportAt(
      ['licence', 'payloadFile'],
      `"${licence.payloadFile}" is not in the payload`,
      meant === undefined ? 'correct the path, which is that in the release' : `did you mean "${meant}"?`,
    );
  } else if (size > licenceMaxBytes) {
    reportTooLarge(definition, 'payloadFile');
  }
}

/**
 * The licence with its text; undefined when there is none, or when its text could not be had, which is reported.
 *
 * @param release where a licence in the payload is read from
 */
export async function readLicence(
  definition: ReadDefinition,
  release: { readonly tree: Tree; readonly blobs: Blobs } | undefined,
): Promise<Licence | undefined> {
  const { licence } = definition.partial;
  if (licence === undefined) {
    return undefined;
  }
  if (licence.text !== undefined) {
    return licenceOf(definition, licence.name, 'text', new TextEncoder().encode(licence.text));
  }
  if (licence.file !== undefined) {
    return licenceOf(definition, licence.name, 'file', await readBeside(definition, licence.file));
  }
  const file = release?.tree.files.find(({ path }) => path === licence.payloadFile);
  if (release === undefined || file === undefined) {
    return undefined;
  }
  const parts = await Promise.all(
    file.segments.map(({ sha256 }) => release.blobs.readBytes(sha256, licenceMaxBytes)),
  );
  return licenceOf(definition, licence.name, 'payloadFile', Buffer.concat(parts));
}

function licenceOf(
  definition: ReadDefinition,
  name: string,
  field: string,
  bytes: Uint8Array | undefined,
): Licence | undefined {
  if (bytes === undefined) {
    return undefined;
  }
  if (bytes.length > licenceMaxBytes) {
    reportTooLarge(definition, field);
    return undefined;
  }
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    definition.source.reportAt(['licence', field], 'the licence is not valid UTF-8', 'save it as UTF-8');
    return undefined;
  }
  if (text.trim() === '') {
    definition.source.reportAt(['licence', field], 'the licence is empty', 'give its text');
    return undefined;
  }
  return { name, text };
}

async function readBeside({ source }: ReadDefinition, file: string): Promise<Uint8Array | undefined> {
  const path = resolve(dirname(source.file), file);
  try {
    const found = await stat(path);
    // A device or a pipe might never end.
    if (!found.isFile()) throw new Error(`${path} is no file`);
    const { size } = found;
    // One byte more than allowed is enough to know.
    return size > licenceMaxBytes ? new Uint8Array(licenceMaxBytes + 1) : await readFile(path);
  } catch {
    source.reportAt(
      ['licence', 'file'],
      `the licence file ${path} is no file that can be read`,
      'correct the path, which is relative to the definition, or its permissions',
    );
    return undefined;
  }
}

function reportTooLarge({ source }: ReadDefinition, field: string): void {
  source.reportAt(
    ['licence', field],
    `the licence is larger than ${licenceMaxBytes} bytes`,
    'give the terms that are to be accepted, and link to the rest with moreInfo',
  );
}
