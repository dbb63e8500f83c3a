import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { after, before, describe, it } from 'node:test';
import type { CheckResult, ListResult } from '@sallyport/core/wire/api';
import { Cloud, hello } from './cloud.ts';
import { clockMovedBy, type Environment, type Server, until, World } from './harness.ts';
import { below, joined, type Site, topTier, windowLater } from './hierarchy.ts';
import { definePackage } from './packages.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

type Machine = 'vendor' | 'cas' | 'pr1';
type Phase =
  | 'while nothing happens'
  | 'between the download and the install'
  | 'while the primary waits for its window';

describe('a clock that is set while a server runs', () => {
  let world: World;
  let cloud: Cloud;
  let cas: Site;
  let pr1: Site;
  let releases = 0;

  before(async () => {
    world = await World.open();
    cloud = await Cloud.init(world, 'cloud');
    await cloud.publish(hello.baseline);
    const url = await cloud.serve(movable('vendor'));
    cas = await topTier(cloud, url, 'CAS', 'central', { running: false });
    await cas.start(movable('cas'));
    pr1 = await joined(cloud, cas, 'PR1', 'primary', below(cas));
    await pr1.stop();
    await pr1.start(movable('pr1'));
  });
  after(() => world.close());

  const cases: readonly (readonly [Machine, number, Phase])[] = [
    ['vendor', -hourMs, 'while nothing happens'],
    ['vendor', hourMs, 'while nothing happens'],
    ['cas', -400 * dayMs, 'while nothing happens'],
    ['cas', hourMs, 'between the download and the install'],
    ['cas', -400 * dayMs, 'between the download and the install'],
    ['pr1', -400 * dayMs, 'between the download and the install'],
    ['pr1', hourMs, 'while the primary waits for its window'],
    ['pr1', -400 * dayMs, 'while the primary waits for its window'],
  ];
  for (const [machine, shiftMs, phase] of cases) {
    const way = shiftMs < 0 ? 'back' : 'forward';
    it(`does not stop the job: at ${machine}, ${way} by ${Math.abs(shiftMs) / hourMs} h, ${phase}`, async () => {
      const version = await nextVersion();
      if (phase === 'while nothing happens') await setClock(machine, shiftMs);
      await cas.downloads(version);
      if (phase === 'between the download and the install') await setClock(machine, shiftMs);
      const waits = phase === 'while the primary waits for its window';
      if (waits) await pr1.ask('site', 'windows', 'add', ...windowLater().options);
      await cas.ask('update', 'install', version);
      if (waits) {
        await cas.reaches(version, 'INSTALL_WAITING_SERVICE_WINDOW', 'PR1');
        await setClock(machine, shiftMs);
        await pr1.ask('site', 'windows', 'clear');
      }
      for (const { code } of [cas, pr1]) await cas.reaches(version, 'INSTALL_SUCCESS', code);
      for (const site of [cas, pr1]) assert.equal(await site.program(), `hello ${version}`);
      await setClock(machine, 0);
    });
  }

  it('stops what is new when it is years ahead, says so, and everything goes on when it is right again', async () => {
    const version = await nextVersion();
    await setClock('cas', 900 * dayMs);
    const { code, out } = await cas.run('update', 'check', '--json');
    const { exchange } = JSON.parse(out) as CheckResult;
    assert.deepEqual([code, exchange.metadata.code], [1, 'EXPIRED'], exchange.metadata.error);
    await setClock('cas', 0);
    await cas.downloads(version);
    await cas.ask('update', 'install', version);
    for (const site of ['CAS', 'PR1']) await cas.reaches(version, 'INSTALL_SUCCESS', site);
  });

  it('keeps a child that is years ahead from what is new, says so there, and the child goes on when it is right again', async () => {
    const version = await nextVersion();
    await setClock('pr1', 900 * dayMs);
    await cas.downloads(version);
    await cas.ask('update', 'install', version);
    await cas.reaches(version, 'INSTALL_SUCCESS');
    const why =
      /root version \d+ expired at 20\d\d-\S+: nothing new is believed .*; if that cannot be, check the clock here$/m;
    const { problem } = await pr1.ask<ListResult>('update', 'list', '--all');
    assert.equal(problem?.code, 'EXPIRED');
    assert.match(problem.message, why);
    await pr1.refused(['update', 'status', version], why);
    await until('the child to say why the order waits', async () =>
      /\[Order \d+ waits: root version \d+ expired at /.test(
        await readFile(join(pr1.data, 'logs', 'hman.log'), 'utf8'),
      )
        ? true
        : undefined,
    );
    assert.notEqual(await pr1.program(), `hello ${version}`);
    await setClock('pr1', 0);
    await cas.reaches(version, 'INSTALL_SUCCESS', 'PR1');
    assert.equal(await pr1.program(), `hello ${version}`);
  });

  async function nextVersion(): Promise<string> {
    releases += 1;
    const version = `1.${releases}`;
    await cloud.publish(await definePackage(world, version));
    return version;
  }

  function movable(machine: Machine): Environment {
    return { ...clockMovedBy(0), CLOCK_SHIFT_FILE: shiftFile(machine) };
  }

  function shiftFile(machine: Machine): string {
    return world.path(`${machine}.shift`);
  }

  async function setClock(machine: Machine, shiftMs: number): Promise<void> {
    await writeFile(shiftFile(machine), String(shiftMs));
    const server: Server | undefined = { vendor: cloud, cas, pr1 }[machine].server;
    assert.ok(server !== undefined);
    process.kill(server.pid, 'SIGUSR2');
  }
});
