import { isMainThread } from 'node:worker_threads';
import { dilateTime } from './dilated-time.ts';
import { patchFiles } from './patch-files.ts';
import { patchProcesses } from './patch-processes.ts';
import { patchSqlite } from './patch-sqlite.ts';
import { watchRequests } from './watch-requests.ts';

// Loaded into a sallyport process before everything else (NODE_OPTIONS=--import=…): notes its checkpoints, and lets it
// die at one, as the environment says (marks.ts).
if (isMainThread) {
  dilateTime();
  patchSqlite();
  patchFiles();
  patchProcesses();
  watchRequests();
}
