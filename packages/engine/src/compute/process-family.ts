import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/** How a family of processes is recognised: the group of its first member and the marks in its environment. */
export interface ProcessFamily {
  /** Id of the first member, which leads its own group and session; absent for what an earlier life left. */
  readonly leader?: number;
  /** `NAME=value` entries that every member inherits. All of them must be there. */
  readonly marks: readonly string[];
}

const pollMs = 20;
/** How long ending may take after SIGKILL: a process in uninterruptible sleep cannot be waited for. */
const killWaitMs = 5_000;

/**
 * Ends every member: SIGTERM, and SIGKILL for what is still there after `graceMs`. Looks again until nobody is
 * left, because members may start others meanwhile. Resolves to the number of processes that were found.
 *
 * On Linux members are those of the leader's group or session, its descendants, and whoever carries all the
 * marks, so that a daemon which has left the session is found too; one that has also cleared its environment
 * and lost its parent is not. On other systems only the leader's group (Windows: its process tree) is ended.
 */
export async function endFamily(family: ProcessFamily, graceMs: number): Promise<number> {
  if (process.platform === 'win32') return endWindowsTree(family);
  const first = await members(family);
  if (first.length === 0) return 0;
  const begun = performance.now();
  let remaining = first;
  const signalled = new Set<number>();
  while (remaining.length > 0) {
    const elapsedMs = performance.now() - begun;
    if (elapsedMs > graceMs + killWaitMs) break;
    for (const pid of remaining) {
      if (elapsedMs >= graceMs) send(pid, 'SIGKILL');
      else if (!signalled.has(pid)) send(pid, 'SIGTERM');
      signalled.add(pid);
    }
    await sleep(pollMs);
    remaining = await members(family);
  }
  return signalled.size;
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended by itself between being seen and being signalled.
  }
}

/** Process ids; a negative one stands for a whole group, as in kill(2). */
async function members(family: ProcessFamily): Promise<readonly number[]> {
  if (process.platform === 'linux') return linuxMembers(family);
  if (family.leader === undefined) return [];
  try {
    process.kill(-family.leader, 0);
    return [-family.leader];
  } catch {
    return [];
  }
}

interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  readonly state: string;
}

async function linuxMembers(family: ProcessFamily): Promise<readonly number[]> {
  const entries = new Map<number, ProcessEntry>();
  for (const name of await readdir('/proc')) {
    if (!/^[1-9][0-9]*$/.test(name)) continue;
    const entry = await readEntry(Number(name));
    if (entry !== undefined) entries.set(entry.pid, entry);
  }
  const untouchable = ancestors(entries, process.pid);
  const found: number[] = [];
  for (const entry of entries.values()) {
    if (untouchable.has(entry.pid) || entry.state === 'Z' || entry.state === 'X') continue;
    if (belongsToLeader(entries, entry, family.leader) || (await carriesMarks(entry.pid, family.marks))) {
      found.push(entry.pid);
    }
  }
  return found;
}

function belongsToLeader(
  entries: ReadonlyMap<number, ProcessEntry>,
  entry: ProcessEntry,
  leader: number | undefined,
): boolean {
  if (leader === undefined) return false;
  return entry.group === leader || entry.session === leader || ancestors(entries, entry.pid).has(leader);
}

/** A process and all those above it. */
function ancestors(entries: ReadonlyMap<number, ProcessEntry>, pid: number): ReadonlySet<number> {
  const chain = new Set<number>();
  for (let at: number | undefined = pid; at !== undefined && at > 0 && !chain.has(at);) {
    chain.add(at);
    at = entries.get(at)?.parent;
  }
  return chain;
}

async function readEntry(pid: number): Promise<ProcessEntry | undefined> {
  const text = await readProc(`/proc/${pid}/stat`);
  if (text === undefined) return undefined;
  // The name, in parentheses, may hold blanks and parentheses of its own: fields count from the last one.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state = 'X', parent, group, session] = fields;
  return { pid, state, parent: Number(parent), group: Number(group), session: Number(session) };
}

async function carriesMarks(pid: number, marks: readonly string[]): Promise<boolean> {
  if (marks.length === 0) return false;
  const text = await readProc(`/proc/${pid}/environ`);
  if (text === undefined) return false;
  const entries = new Set(text.split('\0'));
  return marks.every((mark) => entries.has(mark));
}

/** The file's text, or undefined for a process that has gone or belongs to somebody else. */
async function readProc(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    return undefined;
  }
}

function endWindowsTree(family: ProcessFamily): Promise<number> {
  const { leader } = family;
  if (leader === undefined) return Promise.resolve(0);
  return new Promise((resolve) => {
    // A failure means that there is no such process any more.
    execFile('taskkill', ['/pid', String(leader), '/T', '/F'], { windowsHide: true }, (failure) => {
      resolve(failure === null ? 1 : 0);
    });
  });
}
