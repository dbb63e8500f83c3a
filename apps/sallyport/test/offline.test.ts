import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { ListResult, MediaAgeResult } from '@sallyport/core/wire/api';
import type { CourierResult } from '@sallyport/engine/components/courier/courier-ports';
import type { RequestInspection } from '@sallyport/engine/components/courier/inspection';
import { Cloud, hello } from './cloud.ts';
import { World } from './harness.ts';
import { Site, topTierOptions } from './hierarchy.ts';
import { CourierBag, imports, offlineSite } from './offline-sites.ts';
import { withoutSealKey } from './seal-key.ts';

/** Where nobody listens: an offline site never finds out. */
const nowhere = new URL('http://127.0.0.1:9/');

describe('an offline site', () => {
  let world: World;
  let cloud: Cloud;
  let site: Site;

  before(async () => {
    world = await World.open();
    cloud = await Cloud.init(world, 'cloud');
    await cloud.publish(hello.baseline);
    site = new Site(world, 'PR1', world.path('pr1'));
    const code = await cloud.enrolmentCode();
    await world.done([
      'site',
      'setup',
      ...topTierOptions(cloud, site, 'primary', nowhere),
      '--offline',
      '--enrolment-code',
      code,
      '--media-max-age-days',
      '12',
    ]);
    await site.start();
  });
  after(() => world.close());

  test('is set up and runs without a vendor that answers, and says that it is offline', async () => {
    const config = JSON.parse(readFileSync(join(site.data, 'site.json'), 'utf8')) as {
      vendor: { mode?: string };
    };
    assert.equal(config.vendor.mode, 'offline');
    const { exchange } = await site.ask<ListResult>('update', 'list');
    assert.deepEqual(exchange.offline, {});
    assert.equal(exchange.nextAt, undefined, 'no exchange by itself');
    assert.match((await site.run('update', 'status')).out, /Offline: no medium has come yet/);
  });

  test('refuses to check for updates, naming the tool and its three steps', async () => {
    const said = await site.refused(['update', 'check'], /offline/);
    for (const step of ['tool prepare', 'tool connect', 'tool import']) assert.ok(said.includes(step), step);
  });

  test('counts media as old as was decided, says by whom, and takes another decision', async () => {
    const first = await site.ask<MediaAgeResult>('site', 'media-age');
    assert.equal(first.maxAgeMs, 12 * 86_400_000);
    assert.equal(first.changedBy, 'site setup');
    const changed = await site.ask<MediaAgeResult>('site', 'media-age', '--days', '3');
    assert.equal(changed.maxAgeMs, 3 * 86_400_000);
    assert.notEqual(changed.changedBy, 'site setup');
    assert.match(
      readFileSync(join(site.data, 'logs', 'Dmpdownloader.log'), 'utf8'),
      /lets media count 3 d 0 h past their expiry; it was 12 d 0 h/,
    );
  });

  test('is no child’s affair', async () => {
    await world.refused(
      [
        'site',
        'setup',
        '--data',
        world.path('x'),
        '--code',
        'PR2',
        '--type',
        'primary',
        '--trust-root',
        cloud.trustRoot,
        '--offline',
        '--join',
        'word',
      ],
      /--offline is the top-tier site’s affair/,
      2,
    );
  });
});

test('a site with a line to its vendor has no use for the tool', async () => {
  const world = await World.open();
  try {
    const cloud = await Cloud.init(world, 'cloud');
    await cloud.publish(hello.baseline);
    const site = new Site(world, 'PR1', world.path('pr1'));
    const options = topTierOptions(cloud, site, 'primary', nowhere);
    await world.done(['site', 'setup', ...options, '--local-applicability']);
    await site.start();
    await site.refused(
      ['tool', 'prepare', '--to', world.path('request.tar')],
      /exchanges with its vendor by itself/,
    );
  } finally {
    await world.close();
  }
});

test('where nothing is to leave, a request carries what is held, and the newest version comes back all the same', async () => {
  const world = await World.open();
  try {
    const cloud = await Cloud.init(world, 'cloud', ['--no-usage-data']);
    await cloud.publish(hello.baseline);
    const url = await cloud.serve();
    const site = new Site(world, 'PR1', world.path('pr1'));
    const options = topTierOptions(cloud, site, 'primary', url);
    await world.done(['site', 'setup', ...options, '--offline', '--local-applicability']);
    await site.start();
    await cloud.publish(hello.update);
    const bag = new CourierBag(world);
    const from = await bag.requests(site);
    const found = await world.json<RequestInspection>(['tool', 'inspect', join(from, 'PR1.tar')]);
    assert.deepEqual(found.envelopes, []);
    await bag.connect(from, world.path('medium'));
    const imported = await imports(site, world.path('medium'));
    assert.equal(imported.offer.result, 'none');
    assert.equal(imported.complete, true);
    await site.reaches('1.1', 'DOWNLOAD_SUCCESS');
  } finally {
    await world.close();
  }
});

test('an enrolment code that the vendor refuses is replaced by another', async () => {
  const world = await World.open();
  try {
    const cloud = await Cloud.init(world, 'cloud');
    await cloud.publish(hello.baseline);
    const url = await cloud.serve();
    const site = new Site(world, 'PR1', world.path('pr1'));
    const options = topTierOptions(cloud, site, 'primary', url);
    await world.done(['site', 'setup', ...options, '--offline', '--enrolment-code', 'AAAAA-AAAAA']);
    await site.start();
    const bag = new CourierBag(world);
    const from = await bag.requests(site);
    const { code, out } = await world.run([
      'tool',
      'connect',
      '--from',
      from,
      '--to',
      world.path('m1'),
      '--json',
    ]);
    assert.equal(code, 1, 'not complete');
    const trip = JSON.parse(out) as CourierResult;
    assert.match(trip.hierarchies[0]?.problems.join(' ') ?? '', /CODE_REFUSED.*NOT_ENROLLED/s);
    assert.match((await imports(site, world.path('m1'))).notes.join(' '), /enrolment code is not known/);
    const file = world.path('code.txt');
    await writeFile(file, `${await cloud.enrolmentCode()}\n`);
    const again = world.path('again');
    await mkdir(again);
    await site.ask('tool', 'prepare', '--to', join(again, 'PR1.tar'), '--enrolment-code-file', file);
    assert.equal((await bag.connect(again, world.path('m2'))).complete, true);
    const taken = await imports(site, world.path('m2'));
    assert.equal(taken.receipts, 2);
    assert.equal(taken.offer.result, 'taken');
  } finally {
    await world.close();
  }
});

test('writes no request file where the vendor has no key to seal to', async () => {
  const world = await World.open();
  try {
    const cloud = await Cloud.init(world, 'cloud');
    await cloud.publish(hello.baseline);
    await withoutSealKey(cloud);
    const site = await offlineSite(cloud, 'PR1', nowhere);
    const file = world.path('request.tar');
    await site.refused(['tool', 'prepare', '--to', file], /names no key to seal to/);
    assert.equal(existsSync(file), false);
  } finally {
    await world.close();
  }
});
