import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Cloud, hello } from './cloud.ts';
import { clockMovedBy, World } from './harness.ts';
import { below, joined, Site, topTierOptions } from './hierarchy.ts';
import { CourierBag, imports } from './offline-sites.ts';

test('a medium that is older than the vendor’s timestamp lives updates every site of an offline hierarchy', async () => {
  const world = await World.open();
  try {
    const cloud = await Cloud.init(world, 'cloud');
    await cloud.publish(hello.baseline);
    const url = await cloud.serve();
    const cas = new Site(world, 'CAS', world.path('cas'));
    const enrolment = ['--enrolment-code', await cloud.enrolmentCode()];
    await world.done([
      'site',
      'setup',
      ...topTierOptions(cloud, cas, 'central', url),
      '--offline',
      ...enrolment,
      '--media-max-age-days',
      '12',
    ]);
    await cas.start();
    const pr1 = await joined(cloud, cas, 'PR1', 'primary', below(cas));
    await cloud.publish(hello.update);
    const medium = await new CourierBag(world).trip(cas);
    // The courier takes his time: the timestamp lives a day.
    const later = clockMovedBy(3 * 86_400_000);
    for (const site of [pr1, cas]) await site.stop();
    for (const site of [cas, pr1]) await site.start(later);
    assert.equal((await imports(cas, medium)).metadata.result, 'taken');
    await cas.reaches('1.1', 'DOWNLOAD_SUCCESS');
    await world.done(['update', 'install', '1.1', '--accept-licence', '--wait', '--data', cas.data]);
    for (const site of [cas, pr1]) assert.equal(await site.program(), 'hello 1.1', site.code);
  } finally {
    await world.close();
  }
});
