import assert from 'node:assert/strict';
import { readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { CloudError, type CloudErrorCode } from '../ports/cloud-error.ts';
import { type CeremonyOptions, holdCeremony } from './ceremony.ts';
import type { CloudTools } from './cloud-tools.ts';
import { renew } from './renewal.ts';
import { type CloudFixture, emptyCloud, never, newCloud, product } from './test-support/cloud-fixture.ts';

const options: CeremonyOptions = {
  vendor: 'Example',
  products: [{ id: product, name: 'Hello' }],
  requiresUsageData: true,
  offline: {
    root: { keys: 1, threshold: 1 },
    targets: { keys: 1, threshold: 1 },
    catalog: { keys: 1, threshold: 1 },
  },
};
const failsWith = (code: CloudErrorCode) => (error: unknown) =>
  error instanceof CloudError && error.code === code;

async function onlineKeys({ keys }: CloudTools): Promise<readonly string[]> {
  const held = await keys.list();
  return held.filter(({ offline }) => !offline).map(({ publicKey }) => publicKey);
}

/** Tools whose work ends, as if killed, right before or after it writes a file of the repository. */
function killedAt(tools: CloudTools, at: string, when: 'after' | 'before'): CloudTools {
  const { repository } = tools;
  const putMetadata = async (name: string, bytes: Uint8Array): Promise<void> => {
    if (name === at && when === 'before') throw new Error('killed');
    await repository.putMetadata(name, bytes);
    if (name === at) throw new Error('killed');
  };
  return {
    ...tools,
    repository: {
      name: repository.name,
      metadata: (name) => repository.metadata(name),
      target: (path) => repository.target(path),
      putTarget: (path, bytes) => repository.putTarget(path, bytes),
      putMetadata,
    },
  };
}

async function cutShort(cloud: CloudFixture, at: string, when: 'after' | 'before'): Promise<void> {
  await assert.rejects(holdCeremony(killedAt(cloud.tools, at, when), options, never), /killed/);
}

for (const state of ['gone', 'empty'] as const) {
  test(`no key is touched while the repository that rests on it is ${state}, and all goes on when it is back`, async (t) => {
    const cloud = await newCloud(t);
    const before = (await cloud.tools.keys.list()).map(({ place }) => place);
    const elsewhere = join(cloud.folder, 'elsewhere');
    await rename(cloud.repositoryFolder, elsewhere);
    const tools = await cloud.reopen();
    if (state === 'gone') await rm(cloud.repositoryFolder, { recursive: true });
    await assert.rejects(holdCeremony(tools, options, never), (error: Error) => {
      assert.ok(error.message.includes(cloud.repositoryFolder), error.message);
      return failsWith('ALREADY_THERE')(error);
    });
    assert.deepEqual(
      (await tools.keys.list()).map(({ place }) => place),
      before,
    );
    await rm(cloud.repositoryFolder, { recursive: true, force: true });
    await rename(elsewhere, cloud.repositoryFolder);
    await renew(await cloud.reopen(), { all: true }, never);
  });
}

test('a data folder that was set up before is refused without its repository, even when its keys are gone too', async (t) => {
  const cloud = await emptyCloud(t);
  const dataFolder = { isSetUp: async () => true, setUp: () => assert.fail('nothing is set up') };
  await assert.rejects(
    holdCeremony(cloud.tools, { ...options, dataFolder }, never),
    failsWith('ALREADY_THERE'),
  );
  assert.deepEqual(await cloud.tools.keys.list(), []);
});

for (const at of ['1.targets.json', 'timestamp.json', '1.root.json']) {
  test(`a ceremony that was killed before ${at} was there is held again, with no online keys but the new ones`, async (t) => {
    const cloud = await emptyCloud(t);
    await cutShort(cloud, at, 'before');
    const left = await onlineKeys(cloud.tools);
    assert.equal(left.length, 5);
    let isSetUp = false;
    const dataFolder = {
      isSetUp: async () => true,
      setUp: async () => {
        isSetUp = true;
      },
    };
    await holdCeremony(await cloud.reopen(), { ...options, dataFolder }, never);
    const now = await onlineKeys(cloud.tools);
    assert.ok(isSetUp);
    assert.equal(now.length, 5);
    assert.deepEqual(
      now.filter((key) => left.includes(key)),
      [],
    );
    await renew(await cloud.reopen(), { all: true }, never);
  });
}

test('a ceremony that was killed when its root was there counts as held, also while the repository is gone', async (t) => {
  const cloud = await emptyCloud(t);
  await cutShort(cloud, '1.root.json', 'after');
  const left = await onlineKeys(cloud.tools);
  const elsewhere = join(cloud.folder, 'elsewhere');
  await rename(cloud.repositoryFolder, elsewhere);
  await assert.rejects(holdCeremony(cloud.tools, options, never), failsWith('ALREADY_THERE'));
  await rename(elsewhere, cloud.repositoryFolder);
  assert.equal(await cloud.tools.keys.ceremony(), 'publishing');
  await assert.rejects(holdCeremony(cloud.tools, options, never), failsWith('ALREADY_THERE'));
  assert.equal(await cloud.tools.keys.ceremony(), undefined, 'the note of it is removed in the end');
  assert.deepEqual(await onlineKeys(cloud.tools), left);
});

test('a repeat without a passphrase removes nothing of what was left', async (t) => {
  const cloud = await emptyCloud(t);
  await cutShort(cloud, 'timestamp.json', 'before');
  const left = await onlineKeys(cloud.tools);
  await assert.rejects(
    holdCeremony(await cloud.reopen({ passphrase: '' }), options, never),
    failsWith('KEYS_MISSING'),
  );
  assert.deepEqual(await onlineKeys(cloud.tools), left);
  await holdCeremony(await cloud.reopen(), options, never);
});

test('a ceremony leaves no note, and one that nobody can read is refused', async (t) => {
  const cloud = await newCloud(t);
  const online = join(cloud.folder, 'keys', 'online');
  assert.deepEqual(
    (await readdir(online)).filter((name) => !name.endsWith('.json')),
    [],
  );
  await writeFile(join(online, 'ceremony-begun'), 'making');
  await rename(cloud.repositoryFolder, join(cloud.folder, 'elsewhere'));
  const before = await onlineKeys(cloud.tools);
  await assert.rejects(holdCeremony(cloud.tools, options, never), failsWith('BAD_KEY_FILE'));
  assert.deepEqual(await onlineKeys(cloud.tools), before);
});
