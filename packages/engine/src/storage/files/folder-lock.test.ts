import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { lockFolder } from './folder-lock.ts';

let folder = '';
const children = new Set<ChildProcess>();
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-lock-'));
});
afterEach(() => {
  for (const child of children) {
    child.kill('SIGKILL');
  }
  children.clear();
  rmSync(folder, { recursive: true, force: true });
});

/** Another process that holds the folder until it is killed. */
async function holder(): Promise<ChildProcess> {
  const { child, answer } = await another();
  assert.equal(answer, 'held');
  return child;
}

/** Another process that tries to take the folder. */
async function another(): Promise<{ child: ChildProcess; answer: unknown }> {
  const script = `
    const { lockFolder } = await import(${JSON.stringify(new URL('./folder-lock.ts', import.meta.url).href)});
    try { lockFolder(${JSON.stringify(folder)}); process.send('held'); } catch (error) { process.send(error.code); process.disconnect(); }
    process.on('message', () => {});`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  children.add(child);
  const [answer] = (await once(child, 'message')) as [unknown];
  return { child, answer };
}

test('a second process is refused with the pid of the first, and enters once that was killed', async () => {
  const child = await holder();
  assert.throws(
    () => lockFolder(folder),
    (error: Error & { code?: string }) => {
      assert.equal(error.code, 'FOLDER_IN_USE');
      assert.match(error.message, new RegExp(`process ${child.pid}`));
      return true;
    },
  );
  child.kill('SIGKILL');
  await once(child, 'exit');
  const lock = lockFolder(folder);
  assert.throws(() => lockFolder(folder), { code: 'FOLDER_IN_USE' }, 'within one process too');
  lock.release();
});

test('a released folder can be taken again', () => {
  const first = lockFolder(folder);
  first.release();
  first.release();
  const second = lockFolder(folder);
  second.release();
});

test('a refused attempt leaves the lock with its holder', async () => {
  const child = await holder();
  assert.throws(() => lockFolder(folder), { code: 'FOLDER_IN_USE' });
  assert.throws(() => lockFolder(folder), { code: 'FOLDER_IN_USE' });
  child.kill('SIGKILL');
  await once(child, 'exit');
});

test('a second attempt within the process that holds the lock does not open the folder to others', async () => {
  const lock = lockFolder(folder);
  assert.throws(() => lockFolder(folder), { code: 'FOLDER_IN_USE' });
  assert.equal((await another()).answer, 'FOLDER_IN_USE');
  lock.release();
  assert.equal((await another()).answer, 'held');
});
