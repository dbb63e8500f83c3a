import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryVault } from './vault.ts';

test('a secret is kept as it was, and never overwritten', async () => {
  const vault = new MemoryVault();
  const secret = Uint8Array.of(1, 2, 3);
  assert.equal(await vault.load('link'), undefined);
  await vault.create('link', secret);
  secret.fill(0);
  (await vault.load('link'))?.fill(9);
  assert.deepEqual(await vault.load('link'), Uint8Array.of(1, 2, 3));
  await assert.rejects(vault.create('link', Uint8Array.of(4)), { code: 'EXISTS' });
  assert.deepEqual(await vault.load('link'), Uint8Array.of(1, 2, 3));
});
