import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import type { HistoryResult, StatusResult } from '@sallyport/core/wire/api';
import type { Cloud } from './cloud.ts';
import { Gate } from './gate.ts';
import { until, World } from './harness.ts';
import { below, joined, type Site, smallHierarchy } from './hierarchy.ts';
import { definePackage } from './packages.ts';

describe('a hierarchy that changes while an install runs', () => {
  let world: World;
  let cloud: Cloud;
  let cas: Site;
  let pr1: Site;
  let pr2: Site;

  before(async () => {
    world = await World.open();
    ({ cloud, cas, pr1 } = await smallHierarchy(world));
  });
  after(() => world.close());

  /** A package whose hook lasts until the file is there, at the site with that data folder or at every one. */
  async function slowPackage(version: string, file: string, data = ''): Promise<string> {
    const isDone = `!process.argv[1].startsWith(${JSON.stringify(data)}) || existsSync(${JSON.stringify(file)})`;
    const wait = `const { existsSync } = require('node:fs'); setInterval(() => (${isDone}) && process.exit(0), 20);`;
    return definePackage(world, version, {
      fields: {
        hooks: [
          {
            id: 'wait',
            phase: 'before-switch',
            privileged: true,
            run: ['{node}', '-e', wait, '{release}'],
            timeoutMs: 50_000,
          },
        ],
      },
    });
  }

  async function revoke(site: string, reason: string): Promise<void> {
    await cas.ask('site', 'revoke', site, '--reason', reason);
  }

  async function isTold(site: Site, reason: string): Promise<void> {
    await until('the revoked site to be told', async () => {
      const { link } = (await site.knows(site.code)) ?? {};
      return link?.problem?.includes('was revoked at ') && link.problem.includes(`(${reason})`)
        ? true
        : undefined;
    });
  }

  /** What was ordered is installed where it may be, and only there it is spoken of. */
  async function assertOthersGoOn(version: string): Promise<void> {
    for (const { code } of [cas, pr1]) await cas.reaches(version, 'INSTALL_SUCCESS', code);
    const { packages } = await cas.ask<StatusResult>('update', 'status', version);
    assert.deepEqual(packages[0]?.sites.map(({ site }) => site).toSorted(), ['CAS', 'PR1']);
    assert.deepEqual([await cas.program(), await pr1.program()], [`hello ${version}`, `hello ${version}`]);
  }

  it('brings a site that joins meanwhile to the same release', async () => {
    const goOn = world.path('go-on-1');
    await cloud.publish(await slowPackage('1.1', goOn));
    await cas.downloads('1.1');
    await cas.ask('update', 'install', '1.1');
    await cas.reaches('1.1', 'INSTALL_IN_PROGRESS');
    pr2 = await joined(cloud, cas, 'PR2', 'primary', below(cas));
    assert.equal(await pr2.program(), 'hello 1.0', 'it begins with what its parent has');
    await writeFile(goOn, '');
    await cas.reaches('1.1', 'INSTALL_SUCCESS', 'PR1');
    await cas.reaches('1.1', 'INSTALL_SUCCESS', 'PR2');
    assert.deepEqual([await pr1.program(), await pr2.program()], ['hello 1.1', 'hello 1.1']);
    const { events } = await cas.ask<HistoryResult>('update', 'history', '1.1');
    const at = (site: string, name: string): number =>
      events.find((event) => event.site === site && event.event === name)?.at ?? Number.NaN;
    assert.ok(at('CAS', 'install-succeeded') <= at('PR2', 'install-started'), 'not before its parent');
  });

  it('refuses a second install meanwhile, and lets a site that leaves hold up nobody', async () => {
    const goOn = world.path('go-on-2');
    await cloud.publish(await slowPackage('1.2', goOn));
    await cas.downloads('1.2');
    await cas.ask('update', 'install', '1.2');
    await cas.reaches('1.2', 'INSTALL_IN_PROGRESS');
    await cloud.publish(await definePackage(world, '1.3'));
    await cas.downloads('1.3');
    await cas.refused(
      ['update', 'install', '1.3'],
      /Hello 1\.2.* is being installed at CAS, PR1, PR2, and a hierarchy installs one package at a time/,
    );
    await pr2.kill();
    await revoke('PR2', 'the branch was closed');
    await writeFile(goOn, '');
    await cas.reaches('1.2', 'INSTALL_SUCCESS', 'PR1');
    const { packages } = await cas.ask<StatusResult>('update', 'status', '1.2');
    assert.deepEqual(packages[0]?.sites.map(({ site }) => site).toSorted(), ['CAS', 'PR1']);
    await cas.ask('update', 'install', '1.3');
    await cas.reaches('1.3', 'INSTALL_SUCCESS', 'PR1');
    assert.deepEqual([await cas.program(), await pr1.program()], ['hello 1.3', 'hello 1.3']);
  });

  it('keeps what a site that has left knew, and installs nothing there any more', async () => {
    await pr2.start();
    await isTold(pr2, 'the branch was closed');
    assert.equal(await pr2.program(), 'hello 1.1');
    const { events } = await cas.ask<HistoryResult>('update', 'history', '1.1');
    assert.ok(
      events.some(({ site, event }) => site === 'PR2' && event === 'install-succeeded'),
      'its history stays',
    );
  });

  it('tells a site that is revoked while it replicates why, and gives it nothing more', async () => {
    const gate = await Gate.open(Number(cas.address.split(':').at(-1)));
    world.ends(() => gate.close());
    const pr3 = await joined(cloud, cas, 'PR3', 'primary', {
      parent: 'CAS',
      address: `127.0.0.1:${gate.port}`,
    });
    const begun = await pr3.program();
    const names = Array.from({ length: 16 }, (_, index) => `data/${index}`);
    const files = Object.fromEntries(names.map((name) => [name, randomBytes(400_000).toString('base64')]));
    await cloud.publish(await definePackage(world, '1.4', { files }));
    await cas.downloads('1.4');
    gate.holdAfter(600_000);
    await cas.ask('update', 'install', '1.4');
    await pr3.sees('1.4', 'PR3', 'on its way', ({ transfer }) => (transfer?.receivedBytes ?? 0) > 300_000);
    await revoke('PR3', 'the branch was sold');
    gate.release();
    await isTold(pr3, 'the branch was sold');
    await assertOthersGoOn('1.4');
    // Answers that were under way may end; nothing else is given.
    await pr3.sees(
      '1.4',
      'PR3',
      'refused the rest',
      ({ state, reason }) => state === 'CONTENT_REPLICATING' && reason.includes(' answered 403 '),
    );
    assert.equal(await pr3.program(), begun);
  });

  it('tells a site that is revoked while it installs why, and gives it no further release', async () => {
    const pr4 = await joined(cloud, cas, 'PR4', 'primary', below(cas));
    const goOn = world.path('go-on-3');
    await cloud.publish(await slowPackage('1.5', goOn, pr4.data));
    await cas.downloads('1.5');
    await cas.ask('update', 'install', '1.5');
    await cas.reaches('1.5', 'INSTALL_IN_PROGRESS', 'PR4');
    await revoke('PR4', 'the branch burnt down');
    await isTold(pr4, 'the branch burnt down');
    await assertOthersGoOn('1.5');
    await writeFile(goOn, '');
    // What had begun ends as it was ordered, and the next release is the others’ only.
    await pr4.reaches('1.5', 'INSTALL_SUCCESS');
    await cloud.publish(await definePackage(world, '1.6'));
    await cas.downloads('1.6');
    await cas.ask('update', 'install', '1.6');
    await assertOthersGoOn('1.6');
    await isTold(pr4, 'the branch burnt down');
    assert.equal(await pr4.program(), 'hello 1.5');
    await pr4.refused(['update', 'status', '1.6'], /no package "1\.6" is in the vendor's catalogue/);
  });
});
