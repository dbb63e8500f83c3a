import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { nodeKeys } from '../../compute/ed25519.ts';
import { systemRandom } from '../../compute/random.ts';
import { MemoryVault } from '../../storage/memory/vault.ts';
import { nameHash, usageHashKeyName } from './name-hash.ts';

test('a name is the same in every report of a hierarchy, and another one in any other hierarchy', async () => {
  const vault = new MemoryVault();
  const tools = { vault, random: systemRandom, keys: nodeKeys };
  const [first, again] = [await nameHash(tools), await nameHash(tools)];
  const other = await nameHash({ ...tools, vault: new MemoryVault() });
  assert.equal(first('PR1'), again('PR1'));
  assert.notEqual(first('PR1'), first('PR2'));
  assert.notEqual(first('PR1'), other('PR1'));
  const secret = (await vault.load(usageHashKeyName)) ?? assert.fail();
  assert.equal(first('PR1'), createHmac('sha256', secret).update('PR1').digest('base64url'));
});
