import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import type { HistoryResult, StatusResult } from '@sallyport/core/wire/api';
import type { Cloud } from './cloud.ts';
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

  /** A package whose hook lasts until the file is there. */
  async function slowPackage(version: string, file: string): Promise<string> {
    const wait = `const { existsSync } = require('node:fs'); setInterval(() => existsSync(${JSON.stringify(file)}) && process.exit(0), 20);`;
    return definePackage(world, version, {
      fields: {
        hooks: [
          {
            id: 'wait',
            phase: 'before-switch',
            privileged: true,
            run: ['{node}', '-e', wait],
            timeoutMs: 50_000,
          },
        ],
      },
    });
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
    await cas.ask('site', 'revoke', 'PR2', '--reason', 'the branch was closed');
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
    await until('the revoked site to be told', async () =>
      /was revoked at .*the branch was closed/.test((await pr2.knows('PR2'))?.link?.problem ?? '')
        ? true
        : undefined,
    );
    assert.equal(await pr2.program(), 'hello 1.1');
    const { events } = await cas.ask<HistoryResult>('update', 'history', '1.1');
    assert.ok(
      events.some(({ site, event }) => site === 'PR2' && event === 'install-succeeded'),
      'its history stays',
    );
  });
});
