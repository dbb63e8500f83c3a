import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { chmod, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { ListResult, MediaAgeResult } from '@sallyport/core/wire/api';
import type { MediumInspection, RequestInspection } from '@sallyport/engine/components/courier/inspection';
import { Cloud, hello } from './cloud.ts';
import { clockMovedBy, World } from './harness.ts';
import type { Site } from './hierarchy.ts';
import { CourierBag, imports, listing, offlineSite, listed, sizeOf } from './offline-sites.ts';
import { definePackage } from './packages.ts';

describe('media that come to offline sites', () => {
  let world: World;
  let cloud: Cloud;
  let bag: CourierBag;
  let one: Site;
  let two: Site;
  /** The first medium, for both. */
  let first: string;

  before(async () => {
    world = await World.open();
    cloud = await Cloud.init(world, 'cloud');
    await cloud.publish(hello.baseline);
    const url = await cloud.serve();
    one = await offlineSite(cloud, 'PR1', url);
    two = await offlineSite(cloud, 'PR2', url);
    await cloud.publish(hello.update);
    bag = new CourierBag(world);
  });
  after(() => world.close());

  test('brings registration and facts out, and the newest version in, for two hierarchies at once', async () => {
    first = await bag.trip(one, two);
    const found = await world.json<MediumInspection>(['tool', 'inspect', first]);
    assert.equal(found.complete, true);
    assert.equal(found.hierarchies.length, 2);
    const untouched = await listing(first);
    for (const site of [one, two]) {
      const imported = await imports(site, first);
      assert.equal(imported.metadata.result, 'taken');
      assert.equal(imported.offer.result, 'taken');
      assert.equal(imported.receipts, 2);
      assert.equal(imported.complete, true);
      assert.deepEqual(
        imported.packages.map(({ version, whole }) => [version, whole]),
        [['1.1', true]],
      );
      await site.reaches('1.1', 'DOWNLOAD_SUCCESS');
    }
    assert.equal(await listing(first), untouched, 'the importer writes nothing to the medium');
    const { exchange } = await one.ask<ListResult>('update', 'list');
    assert.equal(exchange.metadata.result, 'ok');
    assert.ok(exchange.offline?.importedAt !== undefined);
  });

  test('a medium that comes again changes nothing', async () => {
    const again = await imports(one, first);
    assert.equal(again.metadata.result, 'known');
    assert.equal(again.offer.result, 'known');
    assert.equal(again.blobs, 0);
    assert.equal((await one.state('1.1'))?.state, 'DOWNLOAD_SUCCESS');
  });

  test('a medium that was overtaken lowers nothing', async () => {
    await world.done(['update', 'install', '1.1', '--accept-licence', '--wait', '--data', one.data]);
    assert.equal(await one.program(), 'hello 1.1');
    await cloud.publish(hello.hotfix);
    const from = await bag.requests(one);
    const request = await world.json<RequestInspection>(['tool', 'inspect', join(from, 'PR1.tar')]);
    assert.equal(request.request.lastImport?.blobs, 0, 'the request tells what came last: a repetition');
    assert.deepEqual(
      request.envelopes.map(({ what }) => what),
      ['operating key', 'facts 2'],
    );
    const second = world.path('overtaking');
    await bag.connect(from, second, '--hotfixes');
    const taken = await imports(one, second);
    assert.deepEqual(
      taken.packages.map(({ version }) => version),
      ['1.1.1'],
    );
    const late = await imports(one, first);
    assert.equal(late.metadata.code, 'OLDER');
    assert.equal(late.offer.result, 'refused');
    await world.done(['update', 'download', '1.1.1', '--wait', '--data', one.data]);
    assert.equal((await one.state('1.1.1'))?.state, 'DOWNLOAD_SUCCESS');
  });

  test('nothing on a medium that was written for others is taken', async () => {
    const medium = await bag.trip(one);
    const error = await bag.failure(['tool', 'import', '--from', medium, '--data', two.data]);
    assert.equal(error.code, 'OTHER_HIERARCHY');
  });

  test('a blob that was damaged on the way is not taken, and comes whole with another medium', async () => {
    const from = await bag.requests(two);
    const medium = world.path('damaged');
    const trip = await bag.connect(from, medium, '--site-version');
    const sha256 = (await listed(medium, trip)).at(-1) ?? '';
    const path = join(medium, 'blobs', 'sha256', sha256);
    const bytes = await readFile(path);
    bytes[0] = (bytes[0] ?? 0) ^ 1;
    await chmod(path, 0o600);
    await writeFile(path, bytes);
    const imported = await imports(two, medium);
    assert.match(imported.notes.join('\n'), new RegExp(`${sha256} was damaged`));
    bytes[0] = (bytes[0] ?? 0) ^ 1;
    await writeFile(path, bytes);
    const again = await imports(two, medium);
    assert.equal(again.blobs, 1);
    assert.deepEqual(again.notes, []);
  });

  test('a medium of another vendor, one without an index and one that leads elsewhere are refused', async () => {
    const medium = await bag.trip(two);
    const other = await bag.copyOf(medium, 'other-vendor');
    await writeFile(join(other, 'metadata', '1.root.json'), '{}');
    const args = (folder: string): string[] => ['tool', 'import', '--from', folder, '--data', two.data];
    assert.equal((await bag.failure(args(other))).code, 'OTHER_VENDOR');
    const bare = await bag.copyOf(medium, 'bare');
    await rm(join(bare, 'sallyport-medium.json'));
    assert.equal((await bag.failure(args(bare))).code, 'NOT_A_MEDIUM');
    const edited = await bag.copyOf(medium, 'edited');
    await writeFile(join(edited, 'sallyport-medium.json'), '{"schema":1}');
    assert.equal((await bag.failure(args(edited))).code, 'EDITED');
    await writeFile(join(edited, 'sallyport-medium.json'), '{"schema":2,"madeBy":"9.9.9"}');
    assert.equal((await bag.failure(args(edited))).code, 'TOOL_OLDER');
    const forged = await bag.copyOf(medium, 'forged');
    const timestamp = (await readFile(join(forged, 'metadata', 'timestamp.json'), 'utf8')).replace(
      /"version":(\d+),/,
      (_, version: string) => `"version":${Number(version) + 100},`,
    );
    await writeFile(join(forged, 'metadata', 'timestamp.json'), timestamp);
    assert.equal((await bag.failure(args(forged))).code, 'EDITED');
    const leading = await bag.copyOf(medium, 'leading');
    await rm(join(leading, 'answers'), { recursive: true });
    await symlink('/etc', join(leading, 'answers'));
    assert.equal((await bag.failure(args(leading))).code, 'UNSAFE');
  });

  test('a medium that is too old is refused with what to do, and taken once it may be older', async () => {
    const medium = await bag.trip(two);
    await two.ask<MediaAgeResult>('site', 'media-age', '--days', '1');
    await two.stop();
    await two.start(clockMovedBy(5 * 86_400_000));
    const error = await bag.failure(['tool', 'import', '--from', medium, '--data', two.data]);
    assert.equal(error.code, 'EXPIRED');
    assert.match(error.message, /expired .*written at .*media-age/s);
    await two.ask<MediaAgeResult>('site', 'media-age', '--days', '10');
    assert.notEqual((await imports(two, medium)).metadata.result, 'refused');
    await two.stop();
    await two.start();
  });

  test('several media of a given size: each is of use, and together they are whole', async () => {
    const files = Object.fromEntries(
      Array.from({ length: 6 }, (_, index) => [`data/${index}.txt`, randomBytes(450_000).toString('hex')]),
    );
    await cloud.publish(await definePackage(world, '1.2', { files }));
    const from = await bag.requests(two);
    const medium = world.path('parts');
    const trip = await bag.connect(from, medium, '--max-size', '3MB');
    assert.ok(trip.parts >= 2, `${trip.parts} parts`);
    for (const part of await readdir(medium))
      assert.ok((await sizeOf(join(medium, part))) <= 3_000_000, part);
    const half = await imports(two, join(medium, 'part-1'));
    assert.equal(half.complete, false);
    assert.ok(half.absentBlobs > 0);
    assert.equal(half.packages[0]?.whole, false);
    const whole = await imports(two, medium);
    assert.equal(whole.complete, true);
    assert.equal(whole.packages[0]?.whole, true);
    await two.reaches('1.2', 'DOWNLOAD_SUCCESS');
    const error = await bag.failure(['tool', 'connect', '--from', from, '--to', medium]);
    assert.equal(error.code, 'NOT_EMPTY');
  });
});
