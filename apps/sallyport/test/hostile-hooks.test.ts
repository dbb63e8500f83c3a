import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import process from 'node:process';
import { after, before, describe, it } from 'node:test';
import type { HistoryResult } from '@sallyport/core/wire/api';
import { Cloud, hello } from './cloud.ts';
import { until, World } from './harness.ts';
import { type Site, topTier } from './hierarchy.ts';
import { definePackage } from './packages.ts';

const printedBytes = 2_000_000_000;
const serverMaxBytes = 600_000_000;

describe('hooks that behave badly', () => {
  let world: World;
  let cloud: Cloud;
  let site: Site;

  before(async () => {
    world = await World.open();
    cloud = await Cloud.init(world, 'cloud');
    await cloud.publish(hello.baseline);
    site = await topTier(cloud, await cloud.serve(), 'PR1', 'primary');
  });
  after(() => world.close());

  it('one that prints gigabytes neither fills the memory nor the log nor the history, and the install succeeds', async () => {
    await orders('1.1', 'print', 60_000);
    await site.reaches('1.1', 'INSTALL_SUCCESS');
    const peak = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${site.server?.pid}/status`, 'utf8'))?.[1];
    assert.ok(Number(peak) * 1024 < serverMaxBytes, `the server had up to ${peak} kB`);
    const log = await readFile(`${site.data}/logs/CMUpdate.log`);
    assert.ok(log.length < 1_000_000, `the log has ${log.length} bytes`);
    const told = JSON.stringify(await site.ask<HistoryResult>('update', 'history', '1.1'));
    assert.ok(told.length < 100_000, `the history has ${told.length} bytes`);
  });

  it('one that never ends is ended at its time limit, with all that it started, and the site is back', async () => {
    await orders('1.2', 'hang', 5_000);
    const failed = await site.reaches('1.2', 'INSTALL_FAILED');
    assert.match(failed.reason, /did not end within 5\.0 s and was ended/);
    assert.equal(await site.program(), 'hello 1.1');
    for (const pid of await family('1.2')) assert.equal(isAlive(pid), false, `process ${pid} is left`);
  });

  it('one whose server is killed is ended by the next, with all that it started, before it runs again', async () => {
    await orders('1.3', 'hang', 60_000);
    const first = await family('1.3');
    await site.kill();
    for (const pid of first) assert.equal(isAlive(pid), true, 'nobody ends it while nobody is there');
    await writeFile(world.path('1.3.may-end'), '');
    await site.start();
    await site.reaches('1.3', 'INSTALL_SUCCESS');
    for (const pid of first) assert.equal(isAlive(pid), false, `process ${pid} is left`);
    assert.equal(await site.program(), 'hello 1.3');
  });

  /** Publishes a package with a bad hook, and orders its install. */
  async function orders(version: string, deed: string, timeoutMs: number): Promise<void> {
    const run = ['{node}', '{release}/hooks/bad.mjs', deed, world.path(version)];
    await cloud.publish(
      await definePackage(world, version, {
        files: { 'hooks/bad.mjs': badHook },
        fields: { hooks: [{ id: 'bad', phase: 'before-switch', run, timeoutMs }] },
      }),
    );
    await site.downloads(version);
    await site.ask('update', 'install', version);
  }

  /** The hook and what it has started, once it has started all of it. */
  async function family(version: string): Promise<readonly number[]> {
    return until('the hook has started everything', async () => {
      const pids = await readFile(world.path(`${version}.pids`), 'utf8').catch(() => '');
      return pids.endsWith('.') ? pids.slice(0, -1).split(' ').map(Number) : undefined;
    });
  }
});

/** Ignores SIGTERM; its children too, one of which has left the session. */
const badHook = `
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import process from 'node:process';
const [deed, place] = process.argv.slice(2);
if (deed === 'print') {
  const chunk = Buffer.alloc(1_000_000, 'all work and no play\\n');
  for (let done = 0; done < ${printedBytes}; done += chunk.length) {
    if (!process.stdout.write(chunk)) await once(process.stdout, 'drain');
  }
} else if (!existsSync(place + '.may-end')) {
  const sleeper = ['-e', 'process.on("SIGTERM", () => {}); setInterval(() => {}, 1000)'];
  const options = { stdio: 'ignore' };
  const child = spawn(process.execPath, sleeper, options);
  const daemon = spawn(process.execPath, sleeper, { ...options, detached: true });
  daemon.unref();
  process.on('SIGTERM', () => {});
  writeFileSync(place + '.pids', [process.pid, child.pid, daemon.pid].join(' ') + '.');
  setInterval(() => {}, 1000);
}
`;

/** Whether a process runs: one that has ended and that nobody has asked how does not. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !existsSync('/proc') || !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}
