import { readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { productId } from '@sallyport/core/shared/ids';
import { messageOf } from '@sallyport/core/shared/errors';
import type { Log } from '@sallyport/engine/ports/log';
import { sweepTemporaries } from '@sallyport/engine/storage/files/durable-file';
import type { SiteFolders } from './site-config.ts';

/**
 * Removes what a set-up or a server that was killed has left in a site's folder, and what nobody would look at again:
 * half-written files, and the scratch folders of first releases. Whoever calls it holds the
 * folder's lock. What cannot be tidied is logged and left: it is in nobody's way.
 */
export async function tidySiteFolder(folders: SiteFolders, log: Log): Promise<void> {
  const { data, keys, trust, backup, products } = folders;
  const tidied = async (place: string, tidy: (place: string) => Promise<void>): Promise<void> => {
    try {
      await tidy(place);
    } catch (failure) {
      log.warn('What a process that was killed left in {place} stays there: {err}', {
        place,
        err: messageOf(failure),
      });
    }
  };
  // Where the folder is a disk of its own, others have put something there too.
  const ofProducts = namesIn(products).filter(isProduct);
  for (const folder of [data, keys, trust, join(trust, 'root_history'), backup]) {
    await tidied(folder, sweepTemporaries);
  }
  for (const product of ofProducts) await tidied(join(products, product), sweepTemporaries);
  for (const name of namesIn(folders.scratch).filter((known) => known.endsWith('.baseline'))) {
    await tidied(join(folders.scratch, name), (place) => rm(place, { recursive: true, force: true }));
  }
}

function isProduct(name: string): boolean {
  try {
    productId(name);
    return true;
  } catch {
    return false;
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
