import { chown, lstat, stat } from 'node:fs/promises';
import { dirname, isAbsolute } from 'node:path';
import { messageOf } from '@sallyport/core/shared/errors';

/** Whom programs run as that need no rights of ours. */
export interface UnprivilegedUser {
  readonly uid: number;
  readonly gid: number;
}

/** `nobody` of every common Linux distribution. */
export const nobody: UnprivilegedUser = { uid: 65_534, gid: 65_534 };

/** Only root may run programs as somebody else; Windows has no such change. */
export function mayChangeUser(): boolean {
  return process.getuid?.() === 0;
}

/**
 * The first of `paths` that the user cannot get at, with the reason, or undefined. Judges by mode bits: each
 * folder on the way must let the user pass, and the end must be readable. Relative paths are not judged.
 */
export async function unreachable(
  user: UnprivilegedUser,
  paths: readonly string[],
): Promise<string | undefined> {
  for (const path of paths) {
    if (!isAbsolute(path)) continue;
    for (const folder of foldersAbove(path)) {
      if (!(await allows(user, folder, 0o1))) return `user ${user.uid} may not enter ${folder}`;
    }
    if (!(await allows(user, path, 0o4))) return `user ${user.uid} may not read ${path}`;
  }
  return undefined;
}

/** Gives a folder of ours to the user. Not what is inside: whoever made that owns it. */
export async function giveFolder(user: UnprivilegedUser, path: string): Promise<void> {
  const found = await lstat(path);
  if (!found.isDirectory()) throw new Error(`${path} is no folder`);
  if (found.uid !== user.uid || found.gid !== user.gid) await chown(path, user.uid, user.gid);
}

function foldersAbove(path: string): readonly string[] {
  const above: string[] = [];
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    above.unshift(folder);
    if (dirname(folder) === folder) return above;
  }
}

async function allows(user: UnprivilegedUser, path: string, bit: number): Promise<boolean> {
  try {
    const found = await stat(path);
    const shift = found.uid === user.uid ? 6 : found.gid === user.gid ? 3 : 0;
    return ((found.mode >> shift) & bit) === bit;
  } catch (failure) {
    // What is not there is reported by whoever needs it.
    if (isMissing(failure)) return true;
    throw new Error(`cannot examine ${path}: ${messageOf(failure)}`, { cause: failure });
  }
}

function isMissing(failure: unknown): boolean {
  const code = failure instanceof Error && 'code' in failure ? failure.code : undefined;
  return code === 'ENOENT' || code === 'ENOTDIR';
}
