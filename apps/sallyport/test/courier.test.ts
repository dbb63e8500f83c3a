import assert from 'node:assert/strict';
import { cp, mkdir, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { after, before, describe, test } from 'node:test';
import type { PreparedResult } from '@sallyport/core/wire/api';
import type { MediumInspection, RequestInspection } from '@sallyport/engine/components/courier/inspection';
import type { CourierResult } from '@sallyport/engine/components/courier/courier-ports';
import { Cloud, hello } from './cloud.ts';
import { World } from './harness.ts';
import type { Site } from './hierarchy.ts';
import { runOnNarrowDisk } from './narrow-disk.ts';
import { CourierBag, offlineSite, listed } from './offline-sites.ts';
import { demandingProxy } from './demanding-proxy.ts';

const buildScript = fileURLToPath(new URL('../../../scripts/build-tool.mjs', import.meta.url));

describe('a courier between offline sites and their vendor', () => {
  let world: World;
  let cloud: Cloud;
  let bag: CourierBag;
  let one: Site;
  let two: Site;

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

  test('a request file says what it is to who may know it, and nothing else', async () => {
    const from = await bag.requests(one);
    const file = join(from, 'PR1.tar');
    const found = await world.json<RequestInspection>(['tool', 'inspect', file]);
    assert.deepEqual(
      found.envelopes.map(({ what }) => what),
      ['enrolment', 'facts 1'],
    );
    assert.deepEqual(found.request.products, [{ product: 'hello', version: '1.0' }]);
    const bytes = (await readFile(file)).toString('latin1');
    assert.doesNotMatch(bytes, /siteCounts|platform|SALLYPORT-/, 'neither facts nor enrolment code in clear');
    assert.match(
      await world.refused(['tool', 'prepare', '--to', file, '--data', one.data], /exists already/),
      /another/,
    );
    const due = world.path('due.csv');
    await world.done(['tool', 'export', '--to', due, '--data', one.data]);
    const csv = await readFile(due, 'utf8');
    assert.match(csv, /^part,field,value\r\n/);
    assert.match(csv, /facts 1,siteCounts\/primary,1\r\n/);
    assert.doesNotMatch(csv, /enrolment,code,/);
  });

  test('a plan sends nothing and writes nothing', async () => {
    const from = await bag.requests(one, two);
    const plan = await world.json<CourierResult>(['tool', 'plan', '--from', from]);
    const { hierarchies } = await world.json<{ hierarchies: unknown[] }>([
      'cloud',
      'show',
      '--data',
      cloud.data,
    ]);
    assert.deepEqual(hierarchies, [], 'nobody is registered by a plan');
    assert.deepEqual(
      plan.hierarchies.map(({ packages }) => packages.map(({ version }) => version)),
      [['1.1'], ['1.1']],
    );
    assert.ok(plan.sizeBytes > 0);
    assert.match((await one.run('tool', 'plan')).out, /enrolment, facts 1/);
  });

  test('of two requests of one hierarchy the newer counts, and what is no request keeps nobody from anything', async () => {
    const from = await bag.requests(one, two);
    await one.ask<PreparedResult>('tool', 'prepare', '--to', join(from, 'a-later-one.tar'));
    await cp(join(from, 'PR2.tar'), join(from, 'cut.tar'));
    await truncate(join(from, 'cut.tar'), 2048);
    const edited = await readFile(join(from, 'PR2.tar'));
    edited[700] = (edited[700] ?? 0) ^ 1;
    await writeFile(join(from, 'edited.tar'), edited);
    await writeFile(join(from, 'README.txt'), 'Take these along.');
    const trip = await world.json<CourierResult>(['tool', 'plan', '--from', from]);
    assert.equal(trip.hierarchies.length, 2);
    const said = trip.notes.join('\n');
    assert.match(said, /a-later-one\.tar are of one hierarchy|of one hierarchy .*the newer one/);
    assert.match(said, /cut\.tar was cut short/);
    assert.match(said, /README\.txt is no request file/);
    await rm(join(from, 'PR1.tar'));
    await rm(join(from, 'PR2.tar'));
    await rm(join(from, 'a-later-one.tar'));
    await rm(join(from, 'edited.tar'));
    const alone = await bag.failure(['tool', 'connect', '--from', from, '--to', world.path('none')]);
    assert.equal(alone.code, 'NOT_A_REQUEST');
    await rm(join(from, 'README.txt'));
    assert.equal(
      (await bag.failure(['tool', 'connect', '--from', from, '--to', world.path('none')])).code,
      'TRUNCATED',
    );
    await rm(join(from, 'cut.tar'));
    assert.equal(
      (await bag.failure(['tool', 'connect', '--from', from, '--to', world.path('none')])).code,
      'NO_REQUESTS',
    );
    assert.equal((await readdir(world.folder)).includes('none'), false, 'nothing was begun');
  });

  test('an altered request is told, whatever was altered', async () => {
    const from = await bag.requests(two);
    const file = join(from, 'PR2.tar');
    const whole = await readFile(file);
    const medium = world.path('never');
    // In the first envelope, in the have-set, in the signed index.
    for (const at of [900, whole.indexOf('have') + 512 + 3, whole.indexOf('request.json') + 512 + 40]) {
      const altered = Buffer.from(whole);
      altered[at] = (altered[at] ?? 0) ^ 1;
      await writeFile(file, altered);
      const error = await bag.failure(['tool', 'inspect', file]);
      assert.equal(error.code, 'EDITED', `at byte ${at}: ${error.message}`);
    }
    assert.equal((await readdir(world.folder)).includes('never'), false, medium);
  });

  test('a trip that was broken off goes on, and a destination that is not a medium’s is left alone', async () => {
    const from = await bag.requests(two);
    const medium = world.path('going-on');
    const trip = await bag.connect(from, medium, '--all');
    const blobs = join(medium, 'blobs', 'sha256');
    const [lost, half] = await listed(medium, trip);
    await rm(join(blobs, lost ?? ''));
    const kept = await readFile(join(blobs, half ?? ''));
    await rm(join(blobs, half ?? ''));
    await writeFile(join(medium, 'partial', half ?? ''), kept.subarray(0, Math.floor(kept.length / 2)));
    assert.equal(
      (await world.json<MediumInspection>(['tool', 'inspect', medium])).hierarchies[0]?.absentBlobs,
      2,
    );
    const again = await bag.connect(from, medium, '--all');
    assert.equal(again.complete, true);
    assert.ok(again.fetchedBytes < trip.sizeBytes);
    assert.equal(
      (await world.json<MediumInspection>(['tool', 'inspect', medium])).hierarchies[0]?.absentBlobs,
      0,
    );
    await mkdir(world.path('photos'));
    await writeFile(world.path('photos', 'cat.jpg'), 'meow');
    const error = await bag.failure(['tool', 'connect', '--from', from, '--to', world.path('photos')]);
    assert.equal(error.code, 'NOT_EMPTY');
    assert.deepEqual(await readdir(world.path('photos')), ['cat.jpg']);
  });

  test('goes through a proxy whose password has every sign in it, and says when the password is wrong', async () => {
    const proxy = await demandingProxy('courier', 'p:@%"ü');
    try {
      const from = await bag.requests(two);
      const args = [
        'tool',
        'connect',
        '--from',
        from,
        '--to',
        world.path('by-proxy'),
        '--proxy',
        proxy.url,
        '--proxy-user',
        'courier',
      ];
      const error = await bag.failure(args, { SALLYPORT_PROXY_PASSWORD: 'wrong' });
      assert.equal(error.code, 'PROXY_REFUSED');
      await world.done(args, { SALLYPORT_PROXY_PASSWORD: 'p:@%"ü' });
      assert.ok(proxy.passed() > 0);
    } finally {
      proxy.close();
    }
  });

  test('writes what it did to a log that is appended to', async () => {
    const log = world.path('tool.log');
    const from = await bag.requests(two);
    for (let run = 0; run < 2; run += 1)
      await world.done(['tool', 'inspect', join(from, 'PR2.tar'), '--log', log]);
    const lines = (await readFile(log, 'utf8')).split('\n');
    assert.equal(lines.filter((line) => line.startsWith('<![LOG[inspect begins')).length, 2);
    assert.match(lines[0] ?? '', /component="ServiceConnectionTool"/);
  });

  test('understands the older command line', async () => {
    const file = world.path('older.tar');
    await world.done(['tool', '-prepare', '-usagedatadest', file, '--data', two.data]);
    const folder = world.path('older');
    await mkdir(folder);
    await cp(file, join(folder, 'older.tar'));
    await world.done([
      'tool',
      '-connect',
      '-usagedatasrc',
      folder,
      '-updatepackdest',
      world.path('older-medium'),
      '-downloadsiteversion',
    ]);
    await world.done(['tool', '-import', '-updatepacksrc', world.path('older-medium'), '--data', two.data]);
    await world.refused(['tool', '-connect', '-everything'], /-everything is not known/, 2);
  });

  test('without a line it says so, and leaves no medium behind', async () => {
    const from = await bag.requests(two);
    const error = await bag.failure([
      'tool',
      'connect',
      '--from',
      from,
      '--to',
      world.path('unreached'),
      '--vendor-url',
      'http://127.0.0.1:9/',
    ]);
    assert.equal(error.code, 'UNREACHABLE');
    assert.equal((await readdir(world.folder)).includes('unreached'), false);
  });

  test('a medium that is full is told as full, and goes on on a larger one', async () => {
    const from = await bag.requests(two);
    const medium = world.path('narrow');
    const args = ['tool', 'connect', '--from', from, '--to', medium, '--json'];
    const { code, out } = await runOnNarrowDisk(world, 1, args);
    assert.equal(code, 1, out);
    const { error } = JSON.parse(out) as { error: { code: string; message: string } };
    assert.equal(error.code, 'FULL', error.message);
    assert.match(error.message, /--max-size/);
    assert.equal((await bag.connect(from, medium)).complete, true);
  });

  test('the one-file tool does the same where there is nothing but Node', async () => {
    const folder = world.path('courier-machine');
    await mkdir(folder);
    const file = join(folder, 'sallyport-tool.mjs');
    const program = promisify(execFile);
    await program(process.execPath, [buildScript, file]);
    const from = await bag.requests(two);
    const tool = (...args: readonly string[]) =>
      program(process.execPath, [file, ...args], { cwd: folder, env: {} });
    assert.equal((await tool('--version')).stdout, '0.1.0\n');
    const { stdout } = await tool('connect', '--from', from, '--to', 'medium', '--json');
    assert.equal((JSON.parse(stdout) as CourierResult).complete, true);
    assert.match((await tool('inspect', 'medium')).stdout, /a medium of Example, written .*complete/s);
    assert.deepEqual((await readdir(folder)).toSorted(), [
      'ServiceConnectionTool.log',
      'medium',
      'sallyport-tool.mjs',
    ]);
  });
});
