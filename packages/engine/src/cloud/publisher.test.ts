import assert from 'node:assert/strict';
import { readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { buffer } from 'node:stream/consumers';
import { packageGuid } from '@sallyport/core/shared/ids';
import { parseCatalogue } from '@sallyport/core/wire/catalogue';
import { parseDescriptor } from '@sallyport/core/wire/descriptor';
import { parseEncodings } from '@sallyport/core/wire/encodings';
import { parseRollout } from '@sallyport/core/wire/rollout';
import { parseTree } from '@sallyport/core/wire/tree';
import { pack } from 'tar-stream';
import { WorkerPool } from '../compute/worker-pool.ts';
import { CloudError } from '../ports/cloud-error.ts';
import { readPublished } from './cloud-tools.ts';
import { readDefinition, type ReadDefinition } from './definition/definition.ts';
import { DefinitionError } from './definition/problem.ts';
import { publish as publishWith, type PublishOptions } from './publisher.ts';
import { changeRollout, withdrawPackage } from './rollout-changes.ts';
import {
  type CloudFixture,
  never,
  newCloud,
  product,
  serveStatically,
} from './test-support/cloud-fixture.ts';
import { OtherClient } from './test-support/tuf-client.ts';
import { testGuid, writePackage } from './test-support/write-package.ts';

async function publishing(context: TestContext) {
  const cloud = await newCloud(context);
  const compute = new WorkerPool();
  context.after(() => compute.close());
  const publish = (definitions: readonly ReadDefinition[], options: Partial<PublishOptions> = {}) =>
    publishWith({ ...cloud.tools, compute }, definitions, { percentage: 0, ...options }, never);
  return { cloud, publish };
}

async function blobCount(cloud: CloudFixture): Promise<number> {
  return (await readdir(join(cloud.repositoryFolder, 'blobs', 'sha256'))).length;
}

test('a package can be followed from the trust root to every byte of it', async (context) => {
  const { cloud, publish } = await publishing(context);
  const [first] = await publish([
    await writePackage(cloud.folder, { guid: testGuid(1), version: '1.0', kind: 'baseline' }),
  ]);
  assert.deepEqual([first?.outcome, first?.percentage], ['published', undefined]);
  const [second] = await publish(
    [
      await writePackage(cloud.folder, {
        guid: testGuid(2),
        version: '1.1',
        more: `licence: { name: Mine, text: "line 1\\nline 2" }\nrequires: ['${testGuid(1)}']`,
      }),
    ],
    { percentage: 25 },
  );
  assert.deepEqual([second?.outcome, second?.percentage], ['published', 25]);
  const url = await serveStatically(context, cloud.repositoryFolder);
  const client = await OtherClient.create(
    context,
    url,
    await readFile(join(cloud.repositoryFolder, 'metadata', '1.root.json')),
  );
  const catalogue = parseCatalogue((await client.fetch('catalog/hello.json')) ?? new Uint8Array());
  const rollout = parseRollout((await client.fetch('rollout/hello.json')) ?? new Uint8Array());
  assert.deepEqual(
    catalogue.packages.map(({ version }) => version),
    ['1.0', '1.1'],
  );
  assert.deepEqual(
    rollout.packages.map(({ guid, percentage }) => [guid, percentage]),
    [[testGuid(2), 25]],
  );
  const blob = async (sha256: string): Promise<Uint8Array> =>
    readFile(join(cloud.repositoryFolder, 'blobs', 'sha256', sha256));
  const descriptor = parseDescriptor(await blob(catalogue.packages[1]?.descriptor.sha256 ?? ''));
  assert.equal(descriptor.licence?.text, 'line 1\nline 2');
  const tree = parseTree(await blob(descriptor.content.tree.sha256));
  assert.deepEqual(
    tree.files.map(({ path }) => path),
    ['README.md', 'bin/hello.txt'],
  );
  const encodings = parseEncodings(await blob(descriptor.content.encodings.sha256));
  assert.ok(
    encodings.segments.some((segment) => segment.encodings.some(({ kind }) => kind === 'zstd-patch')),
    'patched against 1.0',
  );
});

test('publishing the very same again changes nothing', async (context) => {
  const { cloud, publish } = await publishing(context);
  const definition = () => writePackage(cloud.folder, { guid: testGuid(1), version: '1.0' });
  await publish([await definition()], { percentage: 20 });
  const timestamp = await cloud.tools.repository.metadata('timestamp.json');
  const [again] = await publish([await definition()], { percentage: 50 });
  assert.equal(again?.outcome, 'unchanged');
  assert.equal(again.percentage, 20, 'what is in force is told, not what was asked for');
  assert.deepEqual(await cloud.tools.repository.metadata('timestamp.json'), timestamp);
});

test('a GUID stands for one content for ever, withdrawn or not', async (context) => {
  const { cloud, publish } = await publishing(context);
  const guid = testGuid(1);
  await publish([await writePackage(cloud.folder, { guid, version: '1.0' })]);
  const refused = /package\.yaml:2:7: the GUID .* is published already, for Hello 1\.0/;
  await assert.rejects(
    publish([await writePackage(cloud.folder, { guid, version: '1.0', more: 'description: other' })]),
    refused,
  );
  await assert.rejects(
    publish([await writePackage(cloud.folder, { guid, version: '1.0', files: { 'README.md': 'other' } })]),
    refused,
  );
  await withdrawPackage(cloud.tools, { package: guid }, 'it bites', never);
  await writePackage(cloud.folder, { guid, version: '1.0' });
  const { catalogues } = (await readPublished(cloud.tools)).contents;
  assert.equal(catalogues.get(product)?.packages[0]?.withdrawn?.reason, 'it bites');
  await assert.rejects(
    publish([await writePackage(cloud.folder, { guid, version: '1.0' })]),
    /withdrawn since .*it bites/,
  );
});

test('what is wrong with any package keeps all of them from being published, and nothing is stored', async (context) => {
  const { cloud, publish } = await publishing(context);
  const good = await writePackage(cloud.folder, { guid: testGuid(1), version: '1.0' });
  const bad = await writePackage(cloud.folder, {
    guid: testGuid(2),
    version: '1.1',
    more: 'licence: { name: Mine, payloadFile: LICENSE }\nhooks: [{ id: a, phase: after-switch, run: ["{node}", "{release}/none.mjs"] }]',
  });
  await assert.rejects(publish([good, bad]), (error) => {
    assert.ok(error instanceof DefinitionError);
    assert.deepEqual(
      error.problems.map(({ line, message }) => [line, message]),
      [
        [8, '"LICENSE" is not in the payload'],
        [9, '"none.mjs" is not in the payload'],
      ],
    );
    return true;
  });
  assert.equal(await blobCount(cloud), 0);
});

test('--check finds the same without storing or signing anything', async (context) => {
  const { cloud, publish } = await publishing(context);
  const [checked] = await publish([await writePackage(cloud.folder, { guid: testGuid(1), version: '1.0' })], {
    checkOnly: true,
  });
  assert.equal(checked?.outcome, 'checked');
  assert.equal(await blobCount(cloud), 0);
});

test('payload that leaves its folder is refused, whatever way it tries', async (context) => {
  const { cloud, publish } = await publishing(context);
  const tarball = async (name: string, ...names: readonly string[]): Promise<void> => {
    const archive = pack();
    for (const entry of names) {
      archive.entry({ name: entry }, 'x');
    }
    archive.finalize();
    await writeFile(join(cloud.folder, '1.0', name), await buffer(archive));
  };
  await writePackage(cloud.folder, { guid: testGuid(1), version: '1.0' });
  await symlink('/etc/passwd', join(cloud.folder, '1.0', 'payload', 'link'));
  await tarball('up.tar', 'package/a', 'package/../../evil');
  await tarball('absolute.tar', '/etc/evil');
  const file = join(cloud.folder, '1.0', 'package.yaml');
  const text = (await readFile(file, 'utf8')).replace(
    '  - folder: payload\n',
    '  - folder: payload\n  - tarball: up.tar\n    strip: 1\n  - tarball: absolute.tar\n  - { folder: payload, into: ../up }\n  - { folder: payload, into: b, include: ["../*"] }\n  - folder: nowhere\n',
  );
  const problems = async (changed: string): Promise<readonly (readonly [number, string])[]> => {
    try {
      await publish([readDefinition(file, Buffer.from(changed))]);
      return [];
    } catch (error) {
      assert.ok(error instanceof DefinitionError);
      return error.problems.map(({ line, message }) => [line, message]);
    }
  };
  assert.deepEqual(
    (await problems(text)).map(([line]) => line),
    [14],
    'a pattern that leaves the folder',
  );
  const found = await problems(text.replace(', include: ["../*"]', ''));
  assert.deepEqual(
    new Set(found.map(([line]) => line)),
    new Set([9, 10, 12, 13, 14, 15]),
    JSON.stringify(found, undefined, 1),
  );
  assert.ok(found.some(([line, message]) => line === 9 && message.includes('symbolic link')));
  assert.ok(found.some(([line, message]) => line === 10 && message.includes('".."')));
  assert.equal(await blobCount(cloud), 0);
});

test('files are chosen by patterns, and put where they belong', async (context) => {
  const { cloud, publish } = await publishing(context);
  const files = { 'lib/a.js': 'a', 'lib/a.js.map': 'm', 'test/a.js': 't', 'README.md': 'r' };
  await writePackage(cloud.folder, { guid: testGuid(1), version: '1.0', files });
  const file = join(cloud.folder, '1.0', 'package.yaml');
  const text = (await readFile(file, 'utf8')).replace(
    '  - folder: payload\n',
    '  - { folder: payload, strip: 1, into: app/code, include: ["*.js"], exclude: [test] }\n  - { folder: payload, include: ["**/*.md"] }\n',
  );
  // Both lib/a.js and test/a.js lose their folder: a collision, until one is left out.
  await assert.rejects(publish([readDefinition(file, Buffer.from(text))]), DefinitionError);
  const right = text.replace(
    'strip: 1, into: app/code, include: ["*.js"]',
    'into: app/code, include: ["**/*.js"]',
  );
  await publish([readDefinition(file, Buffer.from(right))]);
  const { catalogues } = (await readPublished(cloud.tools)).contents;
  const { descriptor } = catalogues.get(product)?.packages[0] ?? assert.fail('not published');
  const { content } = parseDescriptor(await cloud.tools.blobs.readBytes(descriptor.sha256, 1e6));
  const tree = parseTree(await cloud.tools.blobs.readBytes(content.tree.sha256, 1e6));
  assert.deepEqual(
    tree.files.map(({ path }) => path),
    ['README.md', 'app/code/lib/a.js'],
  );
});

test('packages that are published together are patched against each other, older ones first', async (context) => {
  const { cloud, publish } = await publishing(context);
  const results = await publish([
    await writePackage(cloud.folder, {
      guid: testGuid(2),
      version: '1.10',
      more: `requires: ['${testGuid(1)}']`,
    }),
    await writePackage(cloud.folder, { guid: testGuid(1), version: '1.9' }),
  ]);
  assert.deepEqual(
    results.map(({ version }) => version),
    ['1.9', '1.10'],
  );
  assert.ok((results[1]?.updateBytes ?? Infinity) < (results[1]?.wholeBytes ?? 0));
});

test('publishing needs the catalogue keys and leaves nothing behind without them', async (context) => {
  const { cloud } = await publishing(context);
  const compute = new WorkerPool();
  context.after(() => compute.close());
  const without = await cloud.reopen({ offline: [join(cloud.folder, 'elsewhere')] });
  const definition = await writePackage(cloud.folder, { guid: testGuid(1), version: '1.0' });
  await assert.rejects(
    publishWith({ ...without, compute }, [definition], { percentage: 0 }, never),
    (error) =>
      error instanceof CloudError && error.code === 'KEYS_MISSING' && error.message.includes('elsewhere'),
  );
  assert.equal((await readPublished(cloud.tools)).contents.catalogues.get(product)?.packages.length, 0);
});

test('a roll-out is changed by the online key alone, and what is not named stays', async (context) => {
  const { cloud, publish } = await publishing(context);
  const guid = packageGuid(testGuid(1));
  await publish([await writePackage(cloud.folder, { guid, version: '1.0' })]);
  const online = await cloud.reopen({ offline: [], passphrase: '' });
  const seed = (await readPublished(online)).contents.rollouts.get(product)?.packages[0]?.seed;
  const change = async (wanted: Parameters<typeof changeRollout>[2]) =>
    (await changeRollout(online, { package: '1.0' }, wanted, never)).rollout;
  assert.deepEqual(
    { ...(await change({ percentage: 10, ring: 'early', hold: 'look first', floor: true })) },
    {
      guid,
      percentage: 10,
      seed,
      ring: 'early',
      held: { reason: 'look first' },
      floor: true,
    },
  );
  assert.deepEqual(
    { ...(await change({ stop: 'broken' })) },
    {
      guid,
      percentage: 10,
      seed,
      ring: 'early',
      held: { reason: 'look first' },
      stopped: { reason: 'broken' },
      floor: true,
    },
  );
  assert.deepEqual(
    { ...(await change({ release: true, floor: false, ring: 'general', percentage: 100 })) },
    { guid, percentage: 100, seed },
  );
  await assert.rejects(
    withdrawPackage(online, { package: '1.0' }, 'x', never),
    (error) => error instanceof CloudError && error.code === 'KEYS_MISSING',
  );
});
