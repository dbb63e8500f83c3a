import { openSync, readFileSync, writeSync } from 'node:fs';
import process from 'node:process';

/** What the environment of a process says about its checkpoints. */
export const checkpointVariables = {
  /** The file that takes the names of the checkpoints that were passed, one a line. */
  passed: 'CHECKPOINTS_PASSED',
  /** The file that takes the names of the checkpoints that were died at. A process dies at the first that is not in it. */
  walked: 'CHECKPOINTS_WALKED',
  /** The one checkpoint to die at: `<name>#<occurrence>`; only while the file `walked` does not name it. */
  only: 'CHECKPOINTS_ONLY',
  /** Folder whose files are durable state; names of files are told relative to it. */
  folder: 'CHECKPOINTS_FOLDER',
} as const;

const passed = openIfNamed(process.env[checkpointVariables.passed]);
const walkedPath = process.env[checkpointVariables.walked];
const walked = openIfNamed(walkedPath);
const deadAlready = new Set(walkedPath === undefined ? [] : readFileSync(walkedPath, 'utf8').split('\n'));
const only = process.env[checkpointVariables.only];
const occurrences = new Map<string, number>();

/** A point at which this process may die: before something becomes durable, or just after; before or after it talks. */
export function checkpoint(name: string): void {
  const occurrence = (occurrences.get(name) ?? 0) + 1;
  occurrences.set(name, occurrence);
  if (passed !== undefined) writeSync(passed, `${name}\n`);
  if (walked === undefined) return;
  const mark = only === undefined ? name : `${name}#${occurrence}`;
  if (deadAlready.has(mark) || (only !== undefined && only !== mark)) return;
  writeSync(walked, `${mark}\n`);
  process.kill(process.pid, 'SIGKILL');
  // Nothing of ours may run until the signal has arrived.
  for (;;);
}

// As they were before anything was patched; the process ends before they are closed.
function openIfNamed(path: string | undefined): number | undefined {
  return path === undefined ? undefined : openSync(path, 'a');
}
