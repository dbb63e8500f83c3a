import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import type { Clock } from '../../../ports/clock.ts';
import { CloudError } from '../../../ports/cloud-error.ts';
import { SqliteRepositoryLock } from './repository-lock.ts';

const clock: Clock = { now: () => 0, sleep: (ms) => setTimeout(ms), until: () => Promise.resolve() };
const never = new AbortController().signal;

test('two holders work one after the other', async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-lock-'));
  context.after(() => rm(folder, { recursive: true }));
  const first = new SqliteRepositoryLock(join(folder, 'lock'), clock);
  const second = new SqliteRepositoryLock(join(folder, 'lock'), clock);
  let inside = 0;
  const work = async (): Promise<void> => {
    inside += 1;
    assert.equal(inside, 1);
    await setTimeout(5);
    inside -= 1;
  };
  await Promise.all([first, second, first, second].map((lock) => lock.exclusively('test', work, never)));
});

test('another process keeps the lock until it dies, and says who it is', async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-lock-'));
  context.after(() => rm(folder, { recursive: true }));
  const path = join(folder, 'lock');
  const script = `
    import { SqliteRepositoryLock } from ${JSON.stringify(new URL('./repository-lock.ts', import.meta.url).href)};
    const lock = new SqliteRepositoryLock(${JSON.stringify(path)}, { now: () => 0, sleep: async () => undefined });
    await lock.exclusively('publish', () => { console.log('held'); return new Promise(() => setInterval(() => {}, 1000)); }, new AbortController().signal);
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  const lock = new SqliteRepositoryLock(path, clock, { waitMaxMs: 100 });
  await assert.rejects(
    lock.exclusively('test', async () => undefined, never),
    (error) =>
      error instanceof CloudError &&
      error.code === 'LOCKED' &&
      error.message.includes(`process ${child.pid}, to publish`),
  );
  child.kill('SIGKILL');
  await once(child, 'close');
  assert.equal(await lock.exclusively('test', async () => 'done', never), 'done');
});
