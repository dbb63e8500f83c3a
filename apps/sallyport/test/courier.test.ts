import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { ImportResult, PreparedResult } from '@sallyport/core/wire/api';
import type { CourierResult } from '@sallyport/engine/components/courier/courier-ports';
import { Cloud, hello } from './cloud.ts';
import { World } from './harness.ts';
import { Site, topTierOptions } from './hierarchy.ts';
import { SealingCloud } from './sealing-cloud.ts';

/** Sets an offline primary site up, and starts it. */
export async function offlineSite(cloud: Cloud, code: string, url: URL): Promise<Site> {
  const { world } = cloud;
  const site = new Site(world, code, world.path(code.toLowerCase()));
  const enrolment = ['--enrolment-code', await cloud.enrolmentCode()];
  await world.done([
    'site',
    'setup',
    ...topTierOptions(cloud, site, 'primary', url),
    '--offline',
    ...enrolment,
  ]);
  await site.start();
  return site;
}

describe('a courier between an offline site and its vendor', () => {
  let world: World;
  let cloud: Cloud;
  let vendor: SealingCloud;
  let site: Site;

  before(async () => {
    world = await World.open();
    cloud = await Cloud.init(world, 'cloud');
    await cloud.publish(hello.baseline);
    vendor = await SealingCloud.serve(cloud);
    site = await offlineSite(cloud, 'PR1', vendor.url);
    await cloud.publish(hello.update);
    await mkdir(world.path('requests'));
  });
  after(async () => {
    await vendor.close();
    await world.close();
  });

  test('brings registration and facts out, and the newest version in, which downloads and installs', async () => {
    const file = join(world.path('requests'), 'pr1.tar');
    const prepared = await site.ask<PreparedResult>('tool', 'prepare', '--to', file);
    assert.deepEqual(
      prepared.envelopes.map(({ what }) => what),
      ['enrolment', 'facts 1'],
    );
    const trip = await world.json<CourierResult>([
      'tool',
      'connect',
      '--from',
      world.path('requests'),
      '--to',
      world.path('medium'),
    ]);
    assert.equal(trip.complete, true, JSON.stringify(trip, undefined, 1));
    const [entry] = trip.hierarchies;
    assert.equal(entry?.receipts, 2);
    assert.equal(entry?.offer, true);
    assert.deepEqual(
      entry?.packages.map(({ version }) => version),
      ['1.1'],
    );
    const imported = await site.ask<ImportResult>('tool', 'import', '--from', world.path('medium'));
    assert.equal(imported.metadata.result, 'taken', JSON.stringify(imported, undefined, 1));
    assert.equal(imported.offer.result, 'taken');
    assert.equal(imported.receipts, 2);
    assert.deepEqual(
      imported.packages.map(({ version, whole }) => [version, whole]),
      [['1.1', true]],
    );
    await site.reaches('1.1', 'DOWNLOAD_SUCCESS');
    await world.done(['update', 'install', '1.1', '--accept-licence', '--wait', '--data', site.data]);
    assert.equal(await site.program(), 'hello 1.1');
  });
});
