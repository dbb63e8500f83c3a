import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { readdir, readFile, watch, writeFile } from 'node:fs/promises';
import process from 'node:process';
import { after, before, describe, it } from 'node:test';
import type { HistoryResult } from '@sallyport/core/wire/api';
import { Cloud, hello } from './cloud.ts';
import { Gate } from './gate.ts';
import { World } from './harness.ts';
import { joined, type Site, topTier } from './hierarchy.ts';
import { definePackage } from './packages.ts';

const ballastBytes = 6_000_000;
/** Where a transfer stands when its site is killed: the gate stops there, and this much has certainly been read. */
const held = { atBytes: 4_500_000, readBytes: 4_000_000 };
/** Metadata, records and what was on its way when the site was killed. */
const slackBytes = 1_000_000;

describe('a site server that is killed and started again', () => {
  let world: World;
  let cloud: Cloud;
  let toCloud: Gate;
  let toCas: Gate;
  let cas: Site;
  let pr1: Site;

  before(async () => {
    world = await World.open();
    cloud = await Cloud.init(world, 'cloud');
    await cloud.publish(hello.baseline);
    toCloud = await Gate.open(Number((await cloud.serve()).port));
    world.ends(() => toCloud.close());
    cas = await topTier(cloud, new URL(`http://127.0.0.1:${toCloud.port}`), 'CAS', 'central');
    toCas = await Gate.open(Number(cas.address.split(':').at(-1)));
    world.ends(() => toCas.close());
    pr1 = await joined(cloud, cas, 'PR1', 'primary', { parent: 'CAS', address: `127.0.0.1:${toCas.port}` });
  });
  after(() => world.close());

  it('goes on with a download at the byte where it was', async () => {
    await cloud.publish(await definePackage(world, '1.1', { ballastBytes }));
    toCloud.holdAfter(held.atBytes);
    await cas.ask('update', 'check');
    await readBytes(cas, '1.1');
    await cas.kill();
    toCloud.release();
    const passed = toCloud.passedBytes;
    await cas.start();
    await cas.reaches('1.1', 'DOWNLOAD_SUCCESS');
    const again = toCloud.passedBytes - passed;
    assert.ok(
      again < ballastBytes - held.readBytes + slackBytes,
      `${again} bytes came again of ${ballastBytes}`,
    );
    assert.equal(again >= ballastBytes - held.atBytes, true, `the rest of it came: ${again}`);
    assert.deepEqual(await partialFiles(cas), []);
    assert.equal(
      (await events(cas, '1.1', 'CAS')).filter((event) => event === 'download-succeeded').length,
      1,
    );
  });

  it('goes on with a replication at the byte where it was, and installs', async () => {
    await cloud.publish(await definePackage(world, '1.2', { ballastBytes }));
    await cas.downloads('1.2');
    toCas.holdAfter(held.atBytes);
    await cas.ask('update', 'install', '1.2');
    await readBytes(pr1, '1.2');
    await pr1.kill();
    toCas.release();
    const passed = toCas.passedBytes;
    await pr1.start();
    await cas.reaches('1.2', 'INSTALL_SUCCESS', 'PR1');
    const again = toCas.passedBytes - passed;
    assert.ok(
      again < ballastBytes - held.readBytes + slackBytes,
      `${again} bytes came again of ${ballastBytes}`,
    );
    assert.deepEqual([await cas.program(), await pr1.program()], ['hello 1.2', 'hello 1.2']);
    assert.deepEqual(await partialFiles(pr1), []);
    assert.equal(
      (await events(cas, '1.2', 'PR1')).filter((event) => event === 'replication-succeeded').length,
      1,
    );
  });

  it('ends the hook that the killed server left running, runs it again, and finishes the install', async () => {
    const journal = world.path('hook.log');
    await writeFile(journal, '');
    const gate = world.path('hook-may-end');
    const hook = {
      id: 'slow',
      phase: 'before-switch',
      run: ['{node}', '{release}/hooks/slow.mjs', journal, gate],
      timeoutMs: 60_000,
    };
    await cloud.publish(
      await definePackage(world, '1.3', { files: { 'hooks/slow.mjs': slowHook }, fields: { hooks: [hook] } }),
    );
    await cas.downloads('1.3');
    await cas.ask('update', 'install', '1.3');
    const [first = 0] = await begun(journal, 1);
    await cas.kill();
    await cas.start();
    const [, second = 0] = await begun(journal, 2);
    assert.equal(isAlive(first), false, 'the hook of the killed server was ended before it was run again');
    assert.equal(await cas.program(), 'hello 1.2', 'nothing has switched yet');
    await writeFile(gate, '');
    for (const site of [cas, pr1]) await cas.reaches('1.3', 'INSTALL_SUCCESS', site.code);
    assert.deepEqual([await cas.program(), await pr1.program()], ['hello 1.3', 'hello 1.3']);
    assert.equal(isAlive(second), false);
    const own = await events(cas, '1.3', 'CAS');
    assert.equal(own.filter((event) => event === 'install-succeeded').length, 1);
    assert.equal(own.filter((event) => event === 'install-failed').length, 0);
  });
});

/** Says who it is, and ends when it may. */
const slowHook = `
import { appendFileSync, existsSync } from 'node:fs';
const [, , journal, gate] = process.argv;
appendFileSync(journal, process.pid + '\\n');
const look = setInterval(() => { if (existsSync(gate)) clearInterval(look); }, 20);
`;

/** The process ids of the hook's runs, once it has begun so many times. */
async function begun(journal: string, times: number): Promise<readonly number[]> {
  const ending = new AbortController();
  const changes = watch(journal, { signal: AbortSignal.any([ending.signal, AbortSignal.timeout(60_000)]) })[
    Symbol.asyncIterator
  ]();
  try {
    for (;;) {
      const changed = changes.next();
      changed.catch(() => undefined);
      const pids = (await readFile(journal, 'utf8')).split('\n').filter((line) => line !== '');
      if (pids.length >= times) return pids.map(Number);
      await changed;
    }
  } finally {
    ending.abort();
  }
}

/** Whether a process runs: one that has ended and that nobody has asked how does not. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !existsSync('/proc') || !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

/** Waits until a site says that it has read enough of the package for the kill. */
async function readBytes(site: Site, version: string): Promise<void> {
  await site.sees(
    version,
    site.code,
    'read as far as the gate lets it',
    ({ transfer }) => (transfer?.receivedBytes ?? 0) >= held.readBytes,
  );
}

async function events(top: Site, version: string, code: string): Promise<readonly string[]> {
  const history = await top.ask<HistoryResult>('update', 'history', version);
  return history.events.filter(({ site }) => site === code).map(({ event }) => event);
}

function partialFiles(site: Site): Promise<readonly string[]> {
  return readdir(`${site.data}/content/partial`);
}
