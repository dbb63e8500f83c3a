import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type FileHandle, open } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import type { CheckResult } from '@sallyport/core/wire/api';
import { Cloud, hello } from './cloud.ts';
import { patienceMs, Server, World } from './harness.ts';
import { type Site, topTier } from './hierarchy.ts';

/** Takes nothing: whoever writes there is told ENOSPC. */
const fullDisk = '/dev/full';

describe('output that cannot be written', () => {
  let world: World;
  let cloud: Cloud;
  let site: Site;
  let full: FileHandle;
  let url: URL;

  before(async () => {
    world = await World.open();
    cloud = await Cloud.init(world, 'cloud');
    await cloud.publish(hello.baseline, hello.update);
    url = await cloud.serve();
    site = await topTier(cloud, url, 'ONE', 'primary');
    await site.downloads('1.1');
    full = await open(fullDisk, 'w');
  });
  after(async () => {
    await full.close();
    await world.close();
  });

  type Ended = { readonly code: number | null; readonly err: string };

  /** Runs a command whose standard output is a full disk. */
  async function intoFullDisk(args: readonly string[]): Promise<Ended> {
    return ended(world.start(args, {}, ['ignore', full.fd, 'pipe']));
  }

  /** Runs a command whose reader has gone before it says a word. */
  async function unread(args: readonly string[]): Promise<Ended> {
    const child = world.start(args);
    child.stdout?.destroy();
    return ended(child);
  }

  async function ended(child: ReturnType<World['start']>): Promise<Ended> {
    const limit = setTimeout(() => child.kill('SIGKILL'), patienceMs);
    assert.ok(child.stderr);
    const [err, [code]] = await Promise.all([
      text(child.stderr),
      once(child, 'close') as Promise<[number | null]>,
    ]);
    clearTimeout(limit);
    return { code, err };
  }

  const inCloud = (...args: readonly string[]): string[] => ['cloud', ...args, '--data', cloud.data];
  const atSite = (...args: readonly string[]): string[] => [...args, '--data', site.data];

  it('makes a command fail in one line that names the cause and the remedy', async () => {
    const err =
      'sallyport: standard output cannot be written (ENOSPC: the disk is full): free the disk it goes to, or send it elsewhere; what was asked for is done, only its answer is lost\n';
    const commands = [inCloud('show'), atSite('update', 'list'), ['--help']];
    for (const end of await Promise.all(commands.map(intoFullDisk))) assert.deepEqual(end, { code: 1, err });
  });

  it('ends a command quietly, as SIGPIPE would, where its reader has gone', async () => {
    const commands = [inCloud('show'), atSite('update', 'list', '--json'), ['--help']];
    for (const end of await Promise.all(commands.map(unread))) assert.deepEqual(end, { code: 141, err: '' });
  });

  it('ends whoever only shows what happens', { timeout: patienceMs }, async () => {
    const follow = atSite('update', 'status', '--follow');
    const ends = await Promise.all([unread(follow), intoFullDisk(follow)]);
    assert.deepEqual(
      ends.map(({ code }) => code),
      [141, 1],
    );
  });

  it('leaves a command that has failed its own exit code, and its message where that can be written', async () => {
    const nowhere = ['update', 'list', '--data', world.path('nowhere'), '--json'];
    const { code, err } = await intoFullDisk(nowhere);
    assert.equal(code, 3);
    assert.match(err, /holds no site.*\n.*cannot be written \(ENOSPC.*or send it elsewhere\n$/);
    const deaf = world.start(nowhere, {}, ['ignore', full.fd, full.fd]);
    assert.deepEqual(await once(deaf, 'close'), [3, null]);
  });

  it('tells of a word that is shown once what becomes of it', async () => {
    const code = inCloud('enrolment-code');
    const token = atSite('site', 'token', '--code', 'TWO', '--type', 'secondary');
    for (const run of [intoFullDisk, unread]) {
      const [ofCode, ofToken] = await Promise.all([run(code), run(token)]);
      assert.match(ofCode.err, /cannot be written .*codes are made .* so ask for others\n$/);
      assert.match(
        ofToken.err,
        /cannot be written .*token for site TWO is issued.*lapses after 24 hours, so ask for another\n$/,
      );
    }
    assert.match(await world.done(token), /^sallyport-join/, 'another one can be had');
  });

  it('does not end a site server, and neither does a terminal that hangs up', async () => {
    await site.stop();
    const child = world.start(atSite('site', 'run', '--log-json'));
    const server = new Server(child, /is running/);
    world.ends(() => server.stop());
    await server.ready;
    child.stdout?.destroy();
    child.stderr?.destroy();
    // Every check is logged.
    await site.ask<CheckResult>('update', 'check');
    child.kill('SIGHUP');
    await site.ask<CheckResult>('update', 'check');
    await server.stop();
    assert.deepEqual(await server.closed, { code: 0, signal: null });
    await site.start();
  });

  it('does not end a vendor’s service, at its start or later', async () => {
    await cloud.server?.stop();
    const child = world.start(inCloud('serve', '--port', url.port), {}, ['ignore', full.fd, 'pipe']);
    const server = new Server(
      child,
      /cannot be written \(ENOSPC: the disk is full\); the server goes on without it/,
    );
    world.ends(() => server.stop());
    await server.ready;
    child.stderr?.destroy();
    // Every offer is logged.
    for (let time = 0; time < 2; time += 1) await site.ask<CheckResult>('update', 'check');
    await server.stop();
    assert.deepEqual(await server.closed, { code: 0, signal: null });
  });
});
