import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../main.ts', import.meta.url));

/** Runs `sallyport cloud`; answers the exit code and what it told people. */
function cloud(...args: readonly string[]): Promise<{ readonly code: number; readonly err: string }> {
  const env = { ...process.env, SALLYPORT_PASSPHRASE: 'correct horse' };
  return new Promise((resolve) => {
    execFile(process.execPath, [main, 'cloud', ...args], { env }, (failure, _, err) =>
      resolve({ code: failure === null ? 0 : Number(failure.code), err }),
    );
  });
}

/** Every file under a folder, with what it holds. */
async function filesIn(folder: string): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>();
  for (const name of (await readdir(folder, { recursive: true })).toSorted()) {
    const path = join(folder, name);
    if ((await stat(path)).isFile()) files.set(name, await readFile(path, 'base64'));
  }
  return files;
}

test('cloud init changes nothing in a data folder whose repository is away, and says what to do', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-init-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const data = join(folder, 'cloud');
  const one = ['root', 'targets', 'catalogue'].flatMap((role) => [
    `--${role}-keys`,
    '1',
    `--${role}-threshold`,
    '1',
  ]);
  const init = ['init', '--data', data, '--vendor', 'Example', '--product', 'hello', ...one];
  assert.deepEqual(await cloud(...init), { code: 0, err: '' });
  await rename(join(data, 'repository'), join(folder, 'repository'));
  const before = await filesIn(data);
  const again = await cloud(...init, '--offline-keys', join(folder, 'other'));
  assert.equal(again.code, 1);
  assert.match(again.err, /Mount or bring back the repository/);
  assert.ok(again.err.includes(join(data, 'repository')), again.err);
  assert.deepEqual(await filesIn(data), before);
  assert.deepEqual((await readdir(folder)).toSorted(), ['cloud', 'repository']);
  assert.ok(!(await readdir(data)).includes('repository'), 'nothing is in the way of bringing it back');
  await rename(join(folder, 'repository'), join(data, 'repository'));
  assert.deepEqual(await cloud('resign', '--data', data), { code: 0, err: '' });
});
