import assert from 'node:assert/strict';
import { cp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { CheckResult, HistoryResult } from '@sallyport/core/wire/api';
import { Cloud, hello } from './cloud.ts';
import { clockMovedBy, World } from './harness.ts';
import { Site, topTier, topTierOptions } from './hierarchy.ts';
import { definePackage } from './packages.ts';
import { StaticServer } from './static-server.ts';

/** Of a repository that any web server may serve, and anybody on the way may have changed. */
describe('a repository that is not as it was signed', () => {
  let world: World;
  let cloud: Cloud;
  let web: StaticServer;
  let site: Site;
  /** As it was before 1.1. */
  let older: string;

  before(async () => {
    world = await World.open();
    cloud = await Cloud.init(world, 'cloud', ['--no-usage-data']);
    await cloud.publish(hello.baseline);
    older = await copyOf(cloud.repository, 'older');
    web = await StaticServer.open(cloud.repository);
    world.ends(() => web.close());
    site = await topTier(cloud, web.url, 'ONE', 'primary', { local: true });
    await cloud.publish(hello.update);
    await site.downloads('1.1');
  });
  after(() => world.close());

  function repositoryFolder(name: string): string {
    return world.path(`repository-${name}`);
  }

  async function copyOf(folder: string, name: string): Promise<string> {
    await cp(folder, repositoryFolder(name), { recursive: true });
    return repositoryFolder(name);
  }

  /** Lets the site look at another repository: it must say that, keep what it has, and be well again afterwards. */
  async function refusesFrom(folder: string, code: string, expected: RegExp): Promise<void> {
    web.folder = folder;
    const { code: exit, out } = await site.run('update', 'check', '--json');
    web.folder = cloud.repository;
    const { exchange, available } = JSON.parse(out) as CheckResult;
    assert.deepEqual(
      [exit, exchange.metadata.result, exchange.metadata.code],
      [1, 'failed', code],
      exchange.metadata.error,
    );
    assert.match(exchange.metadata.error ?? '', expected);
    assert.ok(
      available.every(({ version }) => version === '1.1'),
      'nothing new comes of it',
    );
    const log = await readFile(join(site.data, 'logs', 'Dmpdownloader.log'), 'utf8');
    assert.match(log, new RegExp(`Metadata channel.*${code}`));
    const mended = await site.ask<CheckResult>('update', 'check');
    assert.equal(mended.exchange.metadata.result, 'ok');
    assert.deepEqual(
      mended.available.map(({ version, state }) => `${version} ${state}`),
      ['1.1 DOWNLOAD_SUCCESS'],
      'what was here is here',
    );
    const { events } = await site.ask<HistoryResult>('update', 'history', '1.1');
    assert.equal(
      events.filter(({ event }) => event === 'download-started').length,
      1,
      'and did not have to come again',
    );
  }

  it('is refused when it is older than what was seen', async () => {
    await refusesFrom(older, 'ROLLED_BACK', /old repository is being served/);
  });

  it('is refused when its metadata were changed, are wrongly signed or no metadata at all', async () => {
    const changed = await copyOf(cloud.repository, 'changed');
    const timestamp = join(changed, 'metadata', 'timestamp.json');
    const text = await readFile(timestamp, 'utf8');
    await writeFile(
      timestamp,
      text.replace(/"version":(\d+),"x-/, (_, version) => `"version":${Number(version) + 1},"x-`),
    );
    await refusesFrom(changed, 'BAD_SIGNATURE', /altered or wrongly signed/);
    await writeFile(timestamp, 'not json');
    await refusesFrom(changed, 'MALFORMED', /timestamp/);
  });

  it('is refused when it is mixed of two states', async () => {
    await cloud.publish(hello.hotfix);
    const mixed = await copyOf(cloud.repository, 'mixed');
    const snapshots = (await readdir(join(mixed, 'metadata')))
      .filter((name) => name.endsWith('.snapshot.json'))
      .toSorted((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10));
    const [previous = '', newest = ''] = snapshots.slice(-2);
    await cp(join(mixed, 'metadata', previous), join(mixed, 'metadata', newest));
    await refusesFrom(mixed, 'MISMATCH', /snapshot is not the file that trusted metadata names/);
  });

  it('gives no flipped byte to a site, which goes on when it is mended', async () => {
    const held = new Set(await readdir(blobsOf(cloud.repository)));
    await cloud.publish(await definePackage(world, '1.2', { ballastBytes: 200_000 }));
    const flipped = await copyOf(cloud.repository, 'flipped');
    const added = (await readdir(blobsOf(flipped))).filter((name) => !held.has(name));
    for (const name of added) {
      const file = join(blobsOf(flipped), name);
      if ((await stat(file)).size > 100_000) await flipAByte(file);
    }
    web.folder = flipped;
    await site.ask('update', 'check');
    const failed = await site.reaches('1.2', 'DOWNLOAD_FAILED');
    assert.match(failed.reason, /[0-9a-f]{64}/, 'the content is named');
    assert.ok(failed.nextAt !== undefined, 'it is tried again by itself');
    await site.refused(['update', 'install', '1.2'], /not here yet \(DOWNLOAD_FAILED\)/);
    assert.equal(await site.program(), 'hello 1.0');
    web.folder = cloud.repository;
    await site.ask('update', 'retry', '1.2');
    await site.reaches('1.2', 'DOWNLOAD_SUCCESS');
    await site.ask('update', 'install', '1.2', '--wait');
    assert.equal(await site.program(), 'hello 1.2');
    assert.deepEqual(await readdir(join(site.data, 'content', 'partial')), []);
  });

  it('makes no site, as a medium, when a byte is flipped on it, and does when it is mended', async () => {
    const medium = await copyOf(older, 'medium');
    const good = await copyOf(older, 'good-medium');
    for (const name of await readdir(blobsOf(medium))) await flipAByte(join(blobsOf(medium), name));
    const two = new Site(world, 'TWO', world.path('two'));
    const options = [
      'site',
      'setup',
      ...topTierOptions(cloud, two, 'primary', web.url),
      '--local-applicability',
    ];
    await world.refused([...options, '--media', medium], /[0-9a-f]{64}|no usable 1\.0/);
    await world.refused(['site', 'run', '--data', two.data], /holds no site/);
    await rm(medium, { recursive: true });
    await world.done([...options, '--media', good]);
    assert.equal(await two.program(), 'hello 1.0');
  });

  it('makes nothing new available when it has expired, and something again when it is signed anew', async () => {
    await cloud.publish(await definePackage(world, '1.3'));
    await site.downloads('1.3');
    await site.stop();
    await site.start(clockMovedBy(3 * 86_400_000));
    const { exchange } = JSON.parse((await site.run('update', 'check', '--json')).out) as CheckResult;
    assert.deepEqual(
      [exchange.metadata.result, exchange.metadata.code],
      ['failed', 'EXPIRED'],
      exchange.metadata.error,
    );
    assert.match(exchange.metadata.error ?? '', /timestamp.*expired/i);
    await site.refused(['update', 'install', '1.3'], /expired/);
    await world.done(['cloud', 'resign', '--data', cloud.data, '--all'], clockMovedBy(3 * 86_400_000));
    assert.equal((await site.ask<CheckResult>('update', 'check')).exchange.metadata.result, 'ok');
    await site.ask('update', 'install', '1.3', '--wait');
    assert.equal(await site.program(), 'hello 1.3');
  });
});

function blobsOf(repository: string): string {
  return join(repository, 'blobs', 'sha256');
}

async function flipAByte(file: string): Promise<void> {
  const bytes = await readFile(file);
  const at = bytes.length >> 1;
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  await writeFile(file, bytes);
}
