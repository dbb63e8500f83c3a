import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { lockFolder } from '@sallyport/engine/storage/files/folder-lock';
import { Cloud, hello } from './cloud.ts';
import { World } from './harness.ts';
import { below, joinToken, Site, topTier, topTierOptions } from './hierarchy.ts';
import { folderDigest, mainFile, runOnNarrowDisk } from './narrow-disk.ts';

const dead = new URL('http://127.0.0.1:9/');

describe('bad input at set-up', () => {
  let world: World;
  let cloud: Cloud;
  let foreign: Cloud;

  before(async () => {
    world = await World.open();
    cloud = await Cloud.init(world, 'cloud');
    await cloud.publish(hello.baseline);
    foreign = await Cloud.init(world, 'foreign');
  });
  after(() => world.close());

  /** Set-up of a stand-alone site that speaks to no vendor; later options win. */
  function alone(code: string, ...more: readonly string[]): readonly string[] {
    const site = new Site(world, code, world.path(code.toLowerCase()));
    return [
      'site',
      'setup',
      ...topTierOptions(cloud, site, 'primary', dead),
      '--local-applicability',
      ...more,
    ];
  }

  it('makes a site of no place that cannot be one, and says of each why and what to do', async () => {
    const home = world.path('home');
    await mkdir(join(home, 'photos'), { recursive: true });
    const untouched = await folderDigest(world.folder);
    const places: readonly (readonly [string, RegExp])[] = [
      [
        '/proc/sallyport/site',
        /cannot be made: its file system takes no folders .*; name a folder on an ordinary disk/,
      ],
      [home, /home cannot become the data folder of a site: it holds "photos", which nobody here made/],
      [
        cloud.data,
        /holds "cloud\.json" and \d+ more, which belongs to something else\. Name an empty folder/,
      ],
    ];
    for (const [place, expected] of places) await world.refused(alone('BAD', '--data', place), expected);
    assert.equal(await folderDigest(world.folder), untouched);
  });

  it('believes no trust root that is none or another vendor’s, and uses nothing up before it knows', async () => {
    const recovery = `${world.path('one')}-recovery.pem`;
    const metadata = join(cloud.repository, 'metadata');
    for (const [root, expected] of [
      [metadata, /the trust root .*metadata cannot be read: it is a folder .*\(EISDIR\)/],
      ['/dev/zero', /the trust root \/dev\/zero is larger than .*: name another file/],
      [join(metadata, 'timestamp.json'), /timestamp\.json is no trust root: .*Take the file 1\.root\.json/],
      [
        foreign.trustRoot,
        /cloud\/repository\/metadata cannot be believed by the trust root that was given: .*Compare that file with the 1\.root\.json/,
      ],
    ] as const) {
      await world.refused(alone('ONE', '--trust-root', root), expected);
    }
    assert.equal(existsSync(recovery), false, 'no hierarchy was founded');
    assert.match(
      await world.done(alone('ONE')),
      /another trust root was pinned by an earlier, unfinished set-up/,
    );
    assert.equal(existsSync(recovery), true);
  });

  it('uses no enrolment code up for a set-up that cannot succeed', async () => {
    const url = await cloud.serve();
    const code = await cloud.enrolmentCode();
    const bad = world.path('bad-medium');
    await cp(cloud.repository, bad, { recursive: true });
    // What is signed is whole, and what it names is not there: only the install finds that out.
    const blobs = join(bad, 'blobs', 'sha256');
    for (const name of await readdir(blobs)) {
      if (!(await readFile(join(blobs, name), 'utf8')).startsWith('{')) await rm(join(blobs, name));
    }
    const site = new Site(world, 'TWO', world.path('two'));
    const setup = ['site', 'setup', ...topTierOptions(cloud, site, 'primary', url), '--enrolment-code', code];
    await world.refused([...setup, '--media', bad], /bad-medium/);
    const codes = async (): Promise<unknown> =>
      (await world.json<{ codes: unknown }>(['cloud', 'show', '--data', cloud.data])).codes;
    assert.deepEqual(await codes(), { used: 0, expired: 0, unused: 1 });
    await world.done(setup);
    assert.deepEqual(await codes(), { used: 1, expired: 0, unused: 0 });
    await cloud.server?.stop();
  });

  it('uses no join token up for a site with another trust root, nor for one without room', async () => {
    const top = await topTier(cloud, dead, 'CAS', 'central', { local: true });
    const token = await joinToken(top, 'PR1', 'primary', below(top));
    const file = world.path('pr1.token');
    await writeFile(file, `${token}\n`, { mode: 0o600 });
    const setup = (root: string, data: string): string[] => {
      const place = ['site', 'setup', '--data', data, '--code', 'PR1', '--type', 'primary'];
      return [...place, '--trust-root', root, '--token-file', file];
    };
    await world.refused(
      setup(foreign.trustRoot, world.path('pr1')),
      /is not the trust root of this hierarchy: .*site CAS believes another one .*the join token has not been used/,
    );
    const medium = ['--media', cloud.repository, '--baseline', 'hello=9.9'];
    await world.refused([...setup(cloud.trustRoot, world.path('pr1')), ...medium], /has no usable 9\.9/);
    const narrow = await runOnNarrowDisk(world, 0, setup(cloud.trustRoot, world.path('pr1')));
    assert.equal(narrow.code, 1);
    assert.match(narrow.err, /pr1.*disk I\/O error\): check the folder's owner and free space/);
    assert.equal(await top.knows('PR1'), undefined);
    await world.done(setup(cloud.trustRoot, world.path('pr1')));
    assert.equal((await top.knows('PR1'))?.type, 'primary');
    await top.stop();
  });

  it('takes the words that nobody else should see from files and from standard input', async () => {
    await world.refused(
      alone('SEC', '--token-file', 'nowhere'),
      /the file of the join token nowhere cannot be read: it is not there \(ENOENT\); check the name/,
    );
    const child = spawn(process.execPath, [mainFile, ...alone('SEC', '--enrolment-code-file', '-')], {
      cwd: world.folder,
    });
    child.stdin.end('ABCDE-ABCDE\n');
    assert.match(
      await text(child.stderr),
      /--enrolment-code has no use with --local-applicability/,
      'it was read',
    );
    assert.equal(existsSync(world.path('sec')), false);
    const help = await world.done(['site', 'setup', '--help']);
    for (const option of ['--token-file', '--enrolment-code-file']) assert.match(help, new RegExp(option));
  });

  it('lets one set-up at a time work on a folder, and goes on after one on a full disk', async () => {
    const data = world.path('thr');
    await mkdir(data);
    const lock = lockFolder(data);
    await world.refused(
      alone('THR'),
      new RegExp(`thr is in use by process ${process.pid}: stop that server first`),
    );
    lock.release();
    const { code, err } = await runOnNarrowDisk(world, 8, alone('THR'));
    assert.equal(code, 1, err);
    assert.match(err, /thr.*(?:disk I\/O error\): check the folder|the disk failed: check it)/);
    assert.doesNotMatch(err, /\n\s+at /);
    await world.refused(['site', 'run', '--data', data], /holds no site: make one with/);
    await world.done(alone('THR'));
    const untouched = await folderDigest(data);
    await world.refused(alone('THR'), /holds site THR already: give the new site a folder of its own/);
    assert.equal(await folderDigest(data), untouched);
  });
});
