import { readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { sweepTemporaries } from '@sallyport/engine/storage/files/durable-file';
import type { SiteFolders } from './site-config.ts';

/**
 * Removes what a set-up or a server that was killed has left in a site's folder, and what nobody would look at again:
 * half-written configurations and keys, and the scratch folders of first releases. Whoever calls it holds the
 * folder's lock.
 */
export async function tidySiteFolder(folders: SiteFolders): Promise<void> {
  for (const folder of [folders.data, folders.keys]) await sweepTemporaries(folder);
  for (const name of namesIn(folders.scratch)) {
    if (name.endsWith('.baseline')) await rm(join(folders.scratch, name), { recursive: true, force: true });
  }
}

/** A folder that is not there, or cannot be read, holds nothing that could be tidied. */
function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
