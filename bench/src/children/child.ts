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
  // Linux and macOS differ in the unit, Node.js says kibibytes on both.
  return { elapsedMs, cpuMs: (user + system) / 1000, peakRssBytes: process.resourceUsage().maxRSS * 1024 };
}
