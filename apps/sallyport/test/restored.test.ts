import assert from 'node:assert/strict';
import { cp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { HistoryResult } from '@sallyport/core/wire/api';
import type { Cloud } from './cloud.ts';
import { until, World } from './harness.ts';
import { type Site, smallHierarchy } from './hierarchy.ts';
import { definePackage } from './packages.ts';

describe('a site that comes back with an old copy of its database', () => {
  let world: World;
  let cloud: Cloud;
  let cas: Site;
  let pr1: Site;

  before(async () => {
    world = await World.open();
    ({ cloud, cas, pr1 } = await smallHierarchy(world));
    await cloud.publish(await definePackage(world, '1.1'));
    await cas.downloads('1.1');
  });
  after(() => world.close());

  it('is found out where it is a child: both sides stop, say so, and name the remedy', async () => {
    await pr1.stop();
    await cp(join(pr1.data, 'database'), world.path('old-pr1'), { recursive: true });
    await pr1.start();
    await cas.ask('update', 'install', '1.1');
    await cas.reaches('1.1', 'INSTALL_SUCCESS', 'PR1');
    await pr1.stop();
    await rm(join(pr1.data, 'database'), { recursive: true });
    await cp(world.path('old-pr1'), join(pr1.data, 'database'), { recursive: true });
    await pr1.start();
    const remedy = /runs on an old copy of its database; .*"sallyport site restore"/;
    const atChild = await until('the child to say so', async () => (await pr1.knows('PR1'))?.link?.problem);
    assert.match(atChild, remedy);
    const atParent = await until('the parent to say so', async () => (await cas.knows('PR1'))?.link?.problem);
    assert.match(atParent, remedy);
    assert.equal(await pr1.program(), 'hello 1.1', 'what is installed stays');
  });

  it('is not restored while its server runs, nor from what is no backup of it', async () => {
    await pr1.refused(['site', 'restore'], /is in use by process \d+: stop that server first/);
    await pr1.stop();
    const foreign = join(cas.data, 'backup');
    const [backup = ''] = await readdir(foreign);
    await pr1.refused(['site', 'restore', '--from', join(foreign, backup)], /belongs to site CAS, not PR1/);
    await pr1.refused(['site', 'restore', '--from', pr1.data], /cannot be copied/);
  });

  it('goes on in a higher epoch, and takes part again', async () => {
    const { epoch, topTier: isTop } = await pr1.ask<{ epoch: number; topTier: boolean }>('site', 'restore');
    assert.deepEqual([epoch, isTop], [2, false]);
    await pr1.start();
    await until('the link to be well', async () => {
      const site = await cas.knows('PR1');
      return site?.link?.problem === undefined && site?.products?.[0]?.version === '1.1' ? true : undefined;
    });
    await cloud.publish(await definePackage(world, '1.2'));
    await cas.downloads('1.2');
    await cas.ask('update', 'install', '1.2');
    await cas.reaches('1.2', 'INSTALL_SUCCESS', 'PR1');
    assert.equal(await pr1.program(), 'hello 1.2');
  });

  it('comes back from the backup that an install made, where it is the top-tier site, and its next order is heard', async () => {
    await cas.stop();
    const backups = await readdir(join(cas.data, 'backup'));
    const before12 = backups.find((name) => name.includes('1.2'));
    assert.ok(before12 !== undefined, `a backup from before 1.2 among ${backups.join(', ')}`);
    const outcome = await cas.run('site', 'restore', '--from', join(cas.data, 'backup', before12));
    assert.equal(outcome.code, 0, outcome.err);
    assert.match(outcome.out, /site CAS is in epoch 2 now/);
    assert.match(outcome.out, /revoke again what was revoked since/);
    await cas.start();
    await until('the child to be there again', async () => {
      const site = await cas.knows('PR1');
      return site?.link?.lastSeenAt !== undefined && site.link.problem === undefined ? true : undefined;
    });
    assert.equal(await cas.program(), 'hello 1.2', 'the release is not part of the database, and stays');
    await cloud.publish(await definePackage(world, '1.3'));
    await cas.downloads('1.3');
    await cas.ask('update', 'install', '1.3');
    await cas.reaches('1.3', 'INSTALL_SUCCESS', 'PR1');
    assert.deepEqual([await cas.program(), await pr1.program()], ['hello 1.3', 'hello 1.3']);
    const { events } = await pr1.ask<HistoryResult>('update', 'history', '1.3');
    assert.equal(
      events.filter(({ site, event }) => site === 'PR1' && event === 'install-succeeded').length,
      1,
    );
  });

  it('is not followed any more where an old copy of the top-tier site comes back after that', async () => {
    await cas.stop();
    const [old = ''] = (await readdir(join(cas.data, 'backup'))).filter((name) =>
      name.startsWith('replaced-'),
    );
    await cp(cas.data, world.path('old-cas'), { recursive: true });
    await rm(join(world.path('old-cas'), 'database'), { recursive: true });
    await cp(join(cas.data, 'backup', old), join(world.path('old-cas'), 'database', 'site.db'));
    cas.data = world.path('old-cas');
    await cas.start();
    // Before that the child may say that nobody answers.
    await until('the old copy to say so', async () => {
      const problem = (await pr1.knows('PR1'))?.link?.problem ?? '';
      return /site CAS runs in epoch 1, but (PR1 has seen it|it has been seen) in epoch 2/.test(problem)
        ? true
        : undefined;
    });
    await cas.refused(
      ['site', 'revoke', 'PR1', '--reason', 'by the old copy'],
      /old copy of a site that was restored since, and it is read-only now/,
    );
  });
});
