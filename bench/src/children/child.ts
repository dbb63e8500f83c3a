import { readFileSync } from 'node:fs';
import process from 'node:process';
import type { Measured } from '../scene/child.ts';

/** What the parent wants done; each program knows its own kind of task. */
export function taskOf(): unknown {
  return JSON.parse(process.argv[2] ?? '');
}

/** Tells the parent. */
export function tell(said: unknown): void {
  process.send?.(said);
}

/** Does the work, and tells how long it took and how much memory the process has had so far. */
export async function measure(work: () => Promise<unknown>): Promise<Measured> {
  const startedAt = performance.now();
  const cpuBefore = process.cpuUsage();
  await work();
  const elapsedMs = performance.now() - startedAt;
  const { user, system } = process.cpuUsage(cpuBefore);
  return { elapsedMs, cpuMs: (user + system) / 1000, peakRssBytes: peakRssBytes() };
}

/**
 * The most memory that this program has had. Where Linux tells of the program alone, that is asked: the usage of the
 * process counts what its parent had when it was forked, however little the program itself takes.
 */
function peakRssBytes(): number {
  const highWater = process.platform === 'linux' ? readFileSync('/proc/self/status', 'utf8') : '';
  const kibibytes = /^VmHWM:\s+(\d+) kB$/m.exec(highWater)?.[1];
  return Number(kibibytes ?? process.resourceUsage().maxRSS) * 1024;
}
