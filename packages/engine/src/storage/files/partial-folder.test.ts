import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { FileBlobs } from './blobs.ts';

/** A library as a process that was killed leaves it: one blob half there, one temporary file. */
async function leftFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-partial-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await FileBlobs.open({ folder });
  await writeFile(join(folder, 'partial', 'put-0d5f3a10'), 'half');
  await writeFile(join(folder, 'partial', 'a'.repeat(64)), 'half');
  return folder;
}

test('whoever is alone in a library removes temporary files of killed processes, and keeps what can be resumed', async (t) => {
  const folder = await leftFolder(t);
  await FileBlobs.open({ folder, alone: true });
  assert.deepEqual(await readdir(join(folder, 'partial')), ['a'.repeat(64)]);
});

test('whoever shares a library leaves the temporary files of others alone', async (t) => {
  const folder = await leftFolder(t);
  await FileBlobs.open({ folder });
  assert.equal((await readdir(join(folder, 'partial'))).length, 2);
});
