import { patchFileSystem } from './disk-watch-calls.ts';
import { type DiskWatcher, setWatcher } from './disk-watch-state.ts';

/**
 * Lets `watch` see, and refuse, every change that this process makes below its folder through `node:fs` and
 * `node:fs/promises` while `work` runs. The functions are replaced for the whole process, so one watch at a time;
 * ways to change files that are not known here throw, so that nothing goes by unseen. What SQLite does, and what
 * other threads do, is not seen.
 */
export async function watchDisk<T>(watch: DiskWatcher, work: () => Promise<T>): Promise<T> {
  await patchFileSystem();
  setWatcher(watch);
  try {
    return await work();
  } finally {
    setWatcher(undefined);
  }
}
