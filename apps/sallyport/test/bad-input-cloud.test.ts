import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { appendFile, chmod, mkdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Cloud, hello } from './cloud.ts';
import { World } from './harness.ts';
import { folderDigest, runOnNarrowDisk } from './narrow-disk.ts';
import { definePackage } from './packages.ts';

describe('bad input at the vendor’s', () => {
  let world: World;
  let cloud: Cloud;

  before(async () => {
    world = await World.open();
    cloud = await Cloud.init(world, 'cloud');
    await cloud.publish(hello.baseline);
  });
  after(() => world.close());

  const initOptions = ['--vendor', 'Example', '--product', 'hello'];
  const few = ['root', 'targets', 'catalogue'].flatMap((role) => [
    `--${role}-keys`,
    '1',
    `--${role}-threshold`,
    '1',
  ]);

  it('makes a cloud service of no place that cannot be one, and says of each why and what to do', async () => {
    const home = world.path('home');
    await mkdir(join(home, 'photos'), { recursive: true });
    await writeFile(join(home, '.profile'), 'mine');
    await chmod(home, 0o755);
    const site = world.path('a-site');
    await mkdir(site);
    await writeFile(join(site, 'site.json'), '{}');
    await writeFile(world.path('file'), 'x');
    const untouched = await folderDigest(world.folder);
    const places: readonly (readonly [string, RegExp])[] = [
      [world.path('file'), /file cannot be used: it is a file, .*\(ENOTDIR\); name another folder/],
      [
        '/proc/sallyport/cloud',
        /cannot be made: its file system takes no folders .*; name a folder on an ordinary disk/,
      ],
      [
        '/sys/sallyport',
        /\/sys\/sallyport cannot be used: .*\((?:EPERM|EACCES|EROFS)\); (?:let the user|mount it)/,
      ],
      [home, /holds "\.profile", "photos", which nobody here made\. Name an empty folder/],
      [site, /holds "site\.json", which belongs to something else\. Name an empty folder/],
      [cloud.data, /holds a repository already: .*Use another --data folder/],
    ];
    for (const [place, expected] of places)
      await world.refused(['cloud', 'init', '--data', place, ...initOptions], expected);
    assert.equal(await folderDigest(world.folder), untouched);
    assert.equal((await stat(home)).mode & 0o777, 0o755, 'nothing is closed to its owner’s other programs');
  });

  it('is told what is wrong with the data folder by every command, and changes nothing in it', async () => {
    const broken = world.path('broken');
    await mkdir(broken);
    await writeFile(join(broken, 'cloud.json'), '{"schema": 2}');
    const none = world.path('none');
    const folder = world.path('folder-for-file');
    await mkdir(join(folder, 'cloud.json'), { recursive: true });
    const commands: readonly (readonly string[])[] = [['show'], ['serve'], ['publish', hello.update]];
    for (const command of commands)
      await world.refused(
        ['cloud', ...command, '--data', none],
        /none is no data folder of a cloud service: make it with "sallyport cloud init"/,
      );
    await world.refused(
      ['cloud', 'show', '--data', broken],
      /cloud\.json is not as .* restore it from a copy/,
    );
    await writeFile(join(broken, 'cloud.json'), '{');
    await world.refused(['cloud', 'show', '--data', broken], /cloud\.json is no JSON: correct it/);
    await world.refused(
      ['cloud', 'show', '--data', folder],
      /cannot be used: it is a folder where a file is needed \(EISDIR\); name a file/,
    );
    await world.refused(
      ['cloud', 'show', '--data', world.path('file', 'x')],
      /is no data folder of a cloud service/,
    );
    assert.equal(existsSync(none), false);
  });

  it('publishes nothing of a set in which one definition is wrong, and names its file and line', async () => {
    const folder = world.path('definitions');
    await mkdir(join(folder, 'payload'), { recursive: true });
    await writeFile(join(folder, 'payload', 'a'), 'a');
    await symlink('/etc/passwd', world.path('definitions', 'link'));
    await mkdir(join(folder, 'linked'));
    await symlink('/etc/passwd', join(folder, 'linked', 'passwd'));
    const guids = [1, 2].map((digit) => `00000000-0000-4000-8000-00000000000${digit}`);
    const define = async (name: string, fields: Readonly<Record<string, unknown>>): Promise<string> => {
      const definition = {
        schema: 1,
        guid: guids[0],
        product: 'hello',
        name: 'Hello',
        kind: 'version-update',
        version: '1.1',
        releasedAt: '2026-01-12',
        payload: [{ folder: 'payload' }],
        ...fields,
      };
      const file = join(folder, name);
      await writeFile(file, JSON.stringify(definition, undefined, 1));
      return file;
    };
    const circle = [
      await define('one.yaml', { name: 'One', requires: [guids[1]] }),
      await define('two.yaml', { name: 'Two', guid: guids[1], version: '1.2', requires: [guids[0]] }),
    ];
    const good = await define('good.yaml', {});
    const wrong: readonly (readonly [readonly string[], RegExp])[] = [
      [circle, /two\.yaml:\d+:\d+: packages require each other in a circle: One → Two → One/],
      [
        [good, await define('same.yaml', { version: '1.3' })],
        new RegExp(
          `/same\\.yaml:3:\\d+: the GUID ${guids[0]} is that of \\S+/good\\.yaml too\\. Give each package a GUID of its own, for example from "uuidgen"\\.`,
        ),
      ],
      [
        [await define('out.yaml', { payload: [{ folder: 'payload', into: '../out' }] })],
        /out\.yaml:\d+:\d+: .*"\.\."/,
      ],
      [
        [await define('linked.yaml', { payload: [{ folder: 'linked' }] })],
        /linked\.yaml:\d+:\d+: .*is a symbolic link/,
      ],
      [
        [await define('licence.yaml', { licence: { name: 'x', file: '/dev/zero' } })],
        /\/dev\/zero is no file that can be read/,
      ],
      [[await define('product.yaml', { product: 'nobodys' })], /product\.yaml:\d+:\d+: .*nobodys/],
      [['/dev/zero'], /package definition \/dev\/zero is larger than/],
      [[folder], /the package definition .*definitions cannot be read: it is a folder .*\(EISDIR\)/],
      [[join(folder, 'none.yaml')], /none\.yaml cannot be read: it is not there \(ENOENT\); check the name/],
    ];
    const untouched = await folderDigest(cloud.data);
    for (const [files, expected] of wrong)
      await world.refused(['cloud', 'publish', '--data', cloud.data, ...files], expected);
    assert.equal(await folderDigest(cloud.data), untouched);
  });

  it('loses nothing to a full disk, and goes on when there is room again', async () => {
    const data = world.path('narrow');
    const init = ['cloud', 'init', '--data', data, ...initOptions, ...few];
    const begun = await runOnNarrowDisk(world, 2, init);
    assert.equal(begun.code, 1, begun.err);
    assert.match(begun.err, /narrow.*\((?:EFBIG|ENOSPC)\); (?:raise the limit|make room)/);
    assert.doesNotMatch(begun.err, /\n\s+at /);
    await world.done(init);
    const update = await definePackage(world, '5.0', { ballastBytes: 200_000 });
    const untouched = await folderDigest(join(data, 'repository', 'metadata'));
    const publish = ['cloud', 'publish', '--data', data, update];
    const cut = await runOnNarrowDisk(world, 64, publish);
    assert.equal(cut.code, 1, cut.err);
    assert.match(cut.err, /narrow.*\((?:EFBIG|ENOSPC)\); (?:raise the limit|make room)/);
    assert.equal(await folderDigest(join(data, 'repository', 'metadata')), untouched);
    await world.done(publish);
  });

  it('says what is in force when a published package is published again with another percentage', async () => {
    await world.done(['cloud', 'publish', '--data', cloud.data, '--percentage', '20', hello.update]);
    const again = ['cloud', 'publish', '--data', cloud.data, hello.update];
    await world.refused(
      [...again, '--percentage', '100'],
      /hello 1\.1 was published before and stays at 20 % of hierarchies, not 100 %: .*cloud rollout \S+ --percentage 100"/,
    );
    await world.done([...again, '--percentage', '20']);
    assert.match(await world.done(again), /unchanged .*20 %/);
    await world.done(['cloud', 'publish', '--data', cloud.data, '--percentage', '50', hello.baseline]);
  });

  it('is served by one process, beside which the other commands work', async () => {
    await cloud.serve();
    const serve = ['cloud', 'serve', '--data', cloud.data];
    await world.refused(
      serve,
      new RegExp(`is in use by process ${cloud.server?.pid}: stop that server first`),
    );
    await world.refused(['cloud', 'init', '--data', cloud.data, ...initOptions], /in use by process/);
    await world.done(['cloud', 'publish', '--data', cloud.data, hello.hotfix]);
    await world.done(['cloud', 'rollout', '--data', cloud.data, '1.1', '--percentage', '30']);
    assert.equal(typeof (await cloud.enrolmentCode()), 'string');
    await cloud.server?.kill();
    await cloud.serve();
    await cloud.server?.stop();
    await world.refused([...serve, '--tls-cert', 'cert.pem'], /needs both a certificate and its key/);
    await world.refused(
      [...serve, '--tls-cert', 'cert.pem', '--tls-key', 'key.pem'],
      /the certificate cert\.pem cannot be read: it is not there \(ENOENT\)/,
    );
    await writeFile(world.path('cert.pem'), 'nothing of the kind');
    await world.refused(
      [...serve, '--tls-cert', 'cert.pem', '--tls-key', 'cert.pem'],
      /certificate cert\.pem and the private key cert\.pem .*: give both as PEM/,
    );
  });

  it('is told where a repository is damaged', async () => {
    const metadata = join(cloud.repository, 'metadata');
    await appendFile(join(metadata, 'timestamp.json'), 'x');
    await world.refused(
      ['cloud', 'show', '--data', cloud.data],
      /timestamp metadata cannot be read: .*Restore it from a copy/,
    );
    await rm(join(metadata, 'timestamp.json'));
    await world.refused(['cloud', 'serve', '--data', cloud.data], /has no timestamp\.json/);
  });
});
