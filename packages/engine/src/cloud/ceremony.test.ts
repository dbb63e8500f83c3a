import assert from 'node:assert/strict';
import { readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { productId } from '@sallyport/core/shared/ids';
import { parseCatalogue } from '@sallyport/core/wire/catalogue';
import { parseServiceInfo } from '@sallyport/core/wire/service-info';
import { CloudError, type CloudErrorCode } from '../ports/cloud-error.ts';
import { holdCeremony } from './ceremony.ts';
import { changeRollout } from './rollout-changes.ts';
import { rotateKeys } from './key-rotation.ts';
import { forecast, renew, renewOnlineRoles } from './renewal.ts';
import { emptyCloud, never, newCloud, product, serveStatically } from './test-support/cloud-fixture.ts';
import { OtherClient } from './test-support/tuf-client.ts';

const day = 24 * 60 * 60 * 1000;
const failsWith = (code: CloudErrorCode) => (error: unknown) =>
  error instanceof CloudError && error.code === code;

test('what a ceremony makes is believed by tuf-js from the root alone, served by any web server', async (context) => {
  const cloud = await newCloud(context);
  const url = await serveStatically(context, cloud.repositoryFolder);
  const client = await OtherClient.create(
    context,
    url,
    await readFile(join(cloud.repositoryFolder, 'metadata', '1.root.json')),
  );
  const service = parseServiceInfo((await client.fetch('service.json')) ?? new Uint8Array());
  assert.equal(service.vendor, 'Example');
  const catalogue = parseCatalogue((await client.fetch('catalog/hello.json')) ?? new Uint8Array());
  assert.deepEqual(
    { ...catalogue },
    { schema: 1, product, productName: 'Hello', requiresUsageData: true, packages: [] },
  );
  assert.equal(await client.fetch('catalog/other.json'), undefined);
});

test('a second ceremony on one folder is refused', async (context) => {
  const cloud = await newCloud(context);
  const again = holdCeremony(
    cloud.tools,
    {
      vendor: 'Example',
      products: [{ id: product, name: 'Hello' }],
      requiresUsageData: true,
      offline: {
        root: { keys: 1, threshold: 1 },
        targets: { keys: 1, threshold: 1 },
        catalog: { keys: 1, threshold: 1 },
      },
    },
    never,
  );
  await assert.rejects(again, failsWith('ALREADY_THERE'));
});

test('a ceremony that makes no sense is refused before any key is made', async (context) => {
  const cloud = await emptyCloud(context);
  const good = {
    vendor: 'Example',
    products: [{ id: product, name: 'Hello' }],
    requiresUsageData: true,
    offline: {
      root: { keys: 3, threshold: 2 },
      targets: { keys: 2, threshold: 2 },
      catalog: { keys: 2, threshold: 2 },
    },
  };
  for (const bad of [
    { vendor: ' ' },
    { products: [] },
    { products: [...good.products, ...good.products] },
    { offline: { ...good.offline, root: { keys: 1, threshold: 2 } } },
  ]) {
    await assert.rejects(holdCeremony(cloud.tools, { ...good, ...bad }, never), failsWith('BAD_REQUEST'));
  }
  assert.deepEqual(await cloud.tools.keys.list(), []);
});

for (const role of ['root', 'targets', 'catalog', 'rollout', 'snapshot', 'timestamp', 'offer'] as const) {
  test(`a client follows new keys of the role ${role}, and the old ones say nothing any more`, async (context) => {
    const cloud = await newCloud(context);
    const url = await serveStatically(context, cloud.repositoryFolder);
    const root = await readFile(join(cloud.repositoryFolder, 'metadata', '1.root.json'));
    const client = await OtherClient.create(context, url, root);
    await client.fetch('service.json');
    const rotation = await rotateKeys(cloud.tools, role, {}, never);
    assert.equal(rotation.now.length, rotation.before.length);
    assert.ok(rotation.before.every((key) => !rotation.now.includes(key)));
    const service = parseServiceInfo((await client.fetch('service.json')) ?? new Uint8Array());
    assert.equal(service.offerKeys.includes(rotation.now[0] ?? ''), role === 'offer');
    // A newcomer who has the first root only follows too.
    await (await OtherClient.create(context, url, root)).fetch('rollout/hello.json');
    const held = await cloud.tools.keys.list();
    const online = held.filter(({ offline, publicKey }) => !offline && rotation.before.includes(publicKey));
    assert.deepEqual(online, [], 'online keys that nothing trusts are gone');
    await renew(await cloud.reopen(), { all: true }, never);
    await client.fetch('service.json');
  });
}

test('a root needs the threshold of its old keys, whichever they are', async (context) => {
  const cloud = await newCloud(context);
  const url = await serveStatically(context, cloud.repositoryFolder);
  const root = await readFile(join(cloud.repositoryFolder, 'metadata', '1.root.json'));
  const offline = join(cloud.folder, 'keys', 'offline');
  await rename(join(offline, 'root-1.json'), join(cloud.folder, 'root-1.json'));
  await rotateKeys(cloud.tools, 'root', {}, never);
  const client = await OtherClient.create(context, url, root);
  await client.fetch('service.json');
  assert.equal(await client.version('root'), 2);
  for (const name of ['root-4.json', 'root-5.json']) {
    await rename(join(offline, name), join(cloud.folder, name));
  }
  await assert.rejects(
    rotateKeys(cloud.tools, 'root', {}, never),
    (error) =>
      error instanceof CloudError &&
      error.code === 'KEYS_MISSING' &&
      error.message.includes('--offline-keys'),
  );
  const moved = await cloud.reopen({ offline: [offline, cloud.folder] });
  assert.equal((await rotateKeys(moved, 'root', { keys: 4, threshold: 3 }, never)).threshold, 3);
  await client.fetch('service.json');
  assert.equal(await client.version('root'), 3);
});

test('a wrong passphrase signs nothing and writes nothing', async (context) => {
  const cloud = await newCloud(context);
  const wrong = await cloud.reopen({ passphrase: 'wrong' });
  await assert.rejects(rotateKeys(wrong, 'catalog', {}, never), failsWith('WRONG_PASSPHRASE'));
  assert.equal(await cloud.tools.repository.metadata('2.targets.json'), undefined);
});

test('the service signs its own roles anew long before they end, and names those that people must sign', async (context) => {
  const cloud = await newCloud(context);
  const url = await serveStatically(context, cloud.repositoryFolder);
  const root = await readFile(join(cloud.repositoryFolder, 'metadata', '1.root.json'));
  const client = await OtherClient.create(context, url, root);
  assert.deepEqual((await renewOnlineRoles(cloud.tools, never)).renewed, []);
  cloud.clock.offsetMs = 0.6 * day;
  assert.deepEqual((await renewOnlineRoles(cloud.tools, never)).renewed, ['timestamp']);
  cloud.clock.offsetMs = 4 * day;
  assert.deepEqual((await renewOnlineRoles(cloud.tools, never)).renewed, ['snapshot', 'timestamp']);
  cloud.clock.offsetMs = 61 * day;
  assert.deepEqual((await renewOnlineRoles(cloud.tools, never)).renewed, [
    'rollout',
    'snapshot',
    'timestamp',
  ]);
  const due = (await forecast(cloud.tools)).filter(({ state }) => state !== 'good');
  assert.deepEqual(
    due.map(({ role, state, signedBy }) => [role, state, signedBy]),
    [['catalog', 'due', 'people']],
  );
  const { renewed, missing } = await renew(await cloud.reopen({ passphrase: '' }), {}, never);
  assert.deepEqual(renewed, []);
  assert.match(missing[0]?.reason ?? '', /passphrase/);
  assert.deepEqual((await renew(cloud.tools, {}, never)).renewed, ['catalog']);
  assert.ok((await forecast(cloud.tools)).every(({ state }) => state === 'good'));
  await client.fetch('service.json');
});

test('a roll-out names packages that are published, and nothing else', async (context) => {
  const cloud = await newCloud(context);
  await assert.rejects(
    changeRollout(cloud.tools, { package: '1.0' }, { percentage: 10 }, never),
    failsWith('UNKNOWN_PACKAGE'),
  );
  await assert.rejects(
    changeRollout(cloud.tools, { package: '1.0', product: productId('other') }, { percentage: 10 }, never),
    failsWith('UNKNOWN_PRODUCT'),
  );
  await assert.rejects(changeRollout(cloud.tools, { package: '1.0' }, {}, never), failsWith('BAD_REQUEST'));
  await assert.rejects(
    changeRollout(cloud.tools, { package: '1.0' }, { percentage: 101 }, never),
    failsWith('BAD_REQUEST'),
  );
});
