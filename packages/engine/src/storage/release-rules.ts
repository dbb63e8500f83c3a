import { treeProblems } from '@sallyport/core/domain/content/tree-rules';
import type { Tree } from '@sallyport/core/domain/content/tree';
import { messageOf } from '@sallyport/core/shared/errors';
import { packageGuid, type PackageGuid, productId } from '@sallyport/core/shared/ids';
import { type CurrentRelease, ReleaseError } from '../ports/releases.ts';

/** Plain on every file system, and never one of the names with a dot in front that adapters use for themselves. */
const plainName = /^[0-9A-Za-z](?:[0-9A-Za-z._+-]{0,158}[0-9A-Za-z_+-])?$/;
const versionNameMaxLength = 100;

/** Whether a name may be the folder of a release. */
export function isReleaseName(folder: string): boolean {
  return plainName.test(folder);
}

/** @throws {ReleaseError} BAD_NAME */
export function checkName(folder: string): void {
  if (isReleaseName(folder)) return;
  throw new ReleaseError(
    'BAD_NAME',
    `"${folder}" cannot be the folder of a release: use letters, digits and . - _ +`,
    { folder },
  );
}

/** Trees are checked when they are parsed; once more where they become paths on a disk. @throws {ReleaseError} BAD_PATH */
export function checkTree(tree: Tree): void {
  const [first] = treeProblems(tree);
  if (first === undefined) return;
  throw new ReleaseError(
    'BAD_PATH',
    `the tree cannot become files: "${first.path}" ${first.problem}; ${first.remedy}`,
    { path: first.path },
  );
}

/** Folder names that a release may have, the one to prefer first. */
export function namesFor(guid: PackageGuid, version: string): readonly string[] {
  const short = version.length <= versionNameMaxLength && isReleaseName(version) ? version : guid;
  return [...new Set([short, `${short === guid ? '' : `${short}-`}${guid}`])];
}

/** What `current.json` holds. */
export function printPointer(release: CurrentRelease): Uint8Array {
  const { product, guid, version, folder, treeSha256, installed } = release;
  const document = { schema: 1, product, guid, version, folder, treeSha256, installed };
  return new TextEncoder().encode(`${JSON.stringify(document, null, 2)}\n`);
}

/**
 * Reads what a `current.json` holds.
 *
 * @param path for the message
 * @throws {ReleaseError} BAD_POINTER when it does not name a release
 */
export function parsePointer(text: string, path: string): CurrentRelease {
  try {
    return parse(JSON.parse(text) as unknown);
  } catch (failure) {
    throw damagedPointer(path, messageOf(failure), failure);
  }
}

/** A `current.json` that names no release. */
export function damagedPointer(path: string, why: string, cause?: unknown): ReleaseError {
  return new ReleaseError(
    'BAD_POINTER',
    `${path} does not name a release: ${why}; restore it from a backup of this folder`,
    { path },
    { cause },
  );
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
