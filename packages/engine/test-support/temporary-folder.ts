import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

/** A folder of the test's own, removed when it ends. */
export async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Where Linux keeps files in memory: making them durable costs nothing there. */
const memory = '/dev/shm';

/** The same in memory where there is such a place: for tests that write hundreds of files durably, and cut no power. */
export async function memoryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(existsSync(memory) ? memory : tmpdir(), 'sallyport-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
