import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { HpkeSealing } from '../compute/hpke-sealing.ts';
import { CloudError } from '../ports/cloud-error.ts';
import { changeRepository, readPublished } from './cloud-tools.ts';
import { serviceFile } from './contents.ts';
import { rotateKeys } from './key-rotation.ts';
import { withFiles } from './repository/writer.ts';
import { type CloudFixture, never, newCloud } from './test-support/cloud-fixture.ts';

const sealing = new HpkeSealing();

async function sealKeysOf(cloud: CloudFixture): Promise<readonly string[] | undefined> {
  return (await readPublished(cloud.tools)).contents.service.sealKeys;
}

/** A cloud as one was made before there were seal keys. */
async function oldCloud(context: TestContext): Promise<CloudFixture> {
  const cloud = await newCloud(context);
  await rm(join(cloud.folder, 'keys', 'online', 'seal-1.json'));
  await changeRepository(
    cloud.tools,
    'forget the seal keys',
    async ({ state, contents }) => {
      const { sealKeys: _, ...service } = contents.service;
      const file = serviceFile(service);
      return {
        change: { catalog: withFiles(state.catalog.signed.targets, [file]), files: [file] },
        result: undefined,
      };
    },
    never,
  );
  assert.equal(await sealKeysOf(cloud), undefined);
  return cloud;
}

test('a new cloud names a seal key whose secret opens what was sealed to it', async (context) => {
  const cloud = await newCloud(context);
  const [key = '', ...others] = (await sealKeysOf(cloud)) ?? [];
  assert.deepEqual(others, []);
  const secret = await cloud.tools.keys.sealSecret(key);
  assert.ok(secret);
  const sealed = await sealing.seal(key, 'test', Buffer.from('hello'));
  assert.equal(Buffer.from(await sealing.open(secret, 'test', sealed)).toString(), 'hello');
  assert.equal(await cloud.tools.keys.sealSecret('0'.repeat(64)), undefined);
  await assert.rejects(cloud.tools.keys.signers([key]), 'it signs nothing');
});

test('a new seal key comes first, and what was sealed to older ones can still be opened', async (context) => {
  const cloud = await newCloud(context);
  const [first = ''] = (await sealKeysOf(cloud)) ?? [];
  const sealed = await sealing.seal(first, 'test', Buffer.from('on its way'));
  for (let index = 0; index < 6; index += 1) await rotateKeys(cloud.tools, 'seal', {}, never);
  const keys = (await sealKeysOf(cloud)) ?? [];
  assert.equal(keys.length, 5, 'the list does not grow for ever');
  assert.ok(!keys.includes(first));
  const secret = await cloud.tools.keys.sealSecret(first);
  assert.ok(secret);
  assert.equal(Buffer.from(await sealing.open(secret, 'test', sealed)).toString(), 'on its way');
});

test('a cloud without a seal key works on, and gets one by a rotation', async (context) => {
  const cloud = await oldCloud(context);
  await rotateKeys(cloud.tools, 'timestamp', {}, never);
  const { before, now } = await rotateKeys(cloud.tools, 'seal', {}, never);
  assert.deepEqual(before, []);
  assert.deepEqual(await sealKeysOf(cloud), now);
  assert.ok(await cloud.tools.keys.sealSecret(now[0] ?? ''));
});

test('a rotation that was cut short leaves no key that nobody ever uses', async (context) => {
  const cloud = await newCloud(context);
  const [made] = await cloud.tools.keys.create('seal', 1);
  const { now } = await rotateKeys(cloud.tools, 'seal', {}, never);
  assert.equal(now[0], made);
});

test('a new seal key needs the catalogue keys, and none is made without them', async (context) => {
  const cloud = await newCloud(context);
  const without = await cloud.reopen({ offline: [join(cloud.folder, 'nowhere')] });
  await assert.rejects(
    rotateKeys(without, 'seal', {}, never),
    (error) => error instanceof CloudError && error.code === 'KEYS_MISSING',
  );
  assert.equal((await cloud.tools.keys.list()).filter(({ role }) => role === 'seal').length, 1);
});
