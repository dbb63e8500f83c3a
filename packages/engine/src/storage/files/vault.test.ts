import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { FileVault } from './vault.ts';

let folder = '';
let vault: FileVault;
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'sallyport-vault-')), 'keys');
  vault = new FileVault(folder);
});
afterEach(() => rmSync(join(folder, '..'), { recursive: true, force: true }));

const secret = new Uint8Array([1, 2, 3]);

test('keeps a secret in a file and folder of its owner only', async () => {
  await vault.create('link', secret);
  assert.deepEqual(new Uint8Array((await vault.load('link')) ?? []), secret);
  assert.equal(statSync(folder).mode & 0o777, 0o700);
  assert.equal(statSync(join(folder, 'link.key')).mode & 0o777, 0o600);
  assert.deepEqual(readdirSync(folder), ['link.key']);
});

test('has nothing under a name that was never given', async () => {
  assert.equal(await vault.load('operating'), undefined);
});

test('never overwrites, however many try at once', async () => {
  const results = await Promise.allSettled(
    [1, 2, 3, 4].map((value) => vault.create('link', new Uint8Array([value]))),
  );
  assert.equal(results.filter((result) => result.status === 'fulfilled').length, 1);
  const before = await vault.load('link');
  await assert.rejects(vault.create('link', new Uint8Array([9])), { code: 'EXISTS' });
  assert.deepEqual(await vault.load('link'), before);
  assert.deepEqual(readdirSync(folder), ['link.key']);
});

test('refuses a key that others may read', { skip: process.platform === 'win32' }, async () => {
  await vault.create('link', secret);
  chmodSync(join(folder, 'link.key'), 0o640);
  await assert.rejects(vault.load('link'), { code: 'EXPOSED' });
});

test('refuses an empty file and names that are paths', async () => {
  await vault.create('link', secret);
  writeFileSync(join(folder, 'link.key'), '');
  await assert.rejects(vault.load('link'), { code: 'UNREADABLE' });
  await assert.rejects(vault.load('../link'), { code: 'BAD_NAME' });
  await assert.rejects(vault.create('a/b', secret), { code: 'BAD_NAME' });
});
