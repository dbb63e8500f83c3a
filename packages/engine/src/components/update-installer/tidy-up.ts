import { messageOf } from '@sallyport/core/shared/errors';
import { type InstallTools, removeScratch } from './install-tools.ts';
import type { InstallJournal } from './records.ts';

/**
 * After the commit: the new release and the one before stay, older ones go. What cannot be removed is logged and
 * tried again after the next install.
 */
export async function tidyUp(tools: InstallTools, journal: InstallJournal): Promise<void> {
  const { product, folder, previous } = journal;
  try {
    const kept = new Set([folder, previous.folder]);
    for (const other of await tools.releases.list(product)) {
      if (kept.has(other)) continue;
      await tools.releases.remove(product, other);
      tools.log.info('Removed the old release {folder} of {product}', { folder: other, product });
    }
  } catch (failure) {
    tools.log.warn('Old releases of {product} could not be removed: {err}', {
      product,
      err: messageOf(failure),
    });
  }
  await removeScratch(tools, journal);
  tools.records.keep(null);
}
