import assert from 'node:assert/strict';
import { readdir, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../../../test-support/temporary-folder.ts';
import { FileScratchFolders } from './scratch.ts';

test('a scratch folder is the same one until it is removed, and only the owner sees into it', async (t) => {
  const root = join(await temporaryFolder(t), 'scratch');
  const scratch = new FileScratchFolders(root);
  const folder = await scratch.open('a.1');
  await writeFile(join(folder, 'kept'), '');
  assert.equal(await scratch.open('a.1'), folder);
  assert.deepEqual(await readdir(folder), ['kept']);
  if (process.platform !== 'win32') assert.equal((await stat(folder)).mode & 0o777, 0o700);
  await scratch.remove('a.1');
  await scratch.remove('a.1');
  assert.deepEqual(await readdir(root), []);
});

test('removing does not follow links, and names cannot lead out', async (t) => {
  const base = await temporaryFolder(t);
  const scratch = new FileScratchFolders(join(base, 'scratch'));
  await writeFile(join(base, 'precious'), '');
  await symlink(base, join(await scratch.open('a'), 'link'));
  await scratch.remove('a');
  assert.deepEqual((await readdir(base)).toSorted(), ['precious', 'scratch']);
  for (const name of ['..', '../x', '', '.hidden', 'a/b'])
    await assert.rejects(scratch.open(name), RangeError);
});
