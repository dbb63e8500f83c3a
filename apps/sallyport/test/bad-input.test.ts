import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import type { ActionResult, SitesResult } from '@sallyport/core/wire/api';
import { hierarchyId } from '@sallyport/core/shared/ids';
import { type JoinToken, parseJoinToken, printJoinToken } from '@sallyport/core/wire/join';
import { Cloud, hello } from './cloud.ts';
import { clockMovedBy, until, World } from './harness.ts';
import { below, joined, joinToken, Site, topTier, topTierOptions } from './hierarchy.ts';

describe('bad input', () => {
  let world: World;
  let cloud: Cloud;
  let url: URL;
  let cas: Site;
  let pr1: Site;

  before(async () => {
    world = await World.open();
    cloud = await Cloud.init(world, 'cloud');
    await cloud.publish(hello.baseline, hello.update);
    url = await cloud.serve();
    cas = await topTier(cloud, url, 'CAS', 'central');
    pr1 = await joined(cloud, cas, 'PR1', 'primary', below(cas));
  });
  after(() => world.close());

  /** Options of `site setup` for a primary with a token. */
  function joining(code: string, token: string): readonly string[] {
    return [
      'site',
      'setup',
      '--data',
      world.path(code.toLowerCase()),
      '--code',
      code,
      '--type',
      'primary',
      '--trust-root',
      cloud.trustRoot,
      '--join',
      token,
    ];
  }

  function changed(token: string, changes: Partial<JoinToken>): string {
    return printJoinToken({ ...parseJoinToken(token), ...changes });
  }

  it('is told all at once when a site is set up with one wrong answer after the other', async () => {
    const existing = world.path('recovery.pem');
    await writeFile(existing, 'somebody’s only key');
    const wrong = [
      '--code',
      'toolong',
      '--type',
      'secondary',
      '--trust-root',
      world.path('no-root.json'),
      '--vendor-url',
      'updates',
      '--recovery-key',
      existing,
    ];
    const more = [
      '--local-applicability',
      '--enrolment-code',
      'X',
      '--media',
      world.folder,
      '--baseline',
      'hello',
      '--listen',
      'nowhere',
      '--check-hours',
      '-1',
    ];
    const message = await world.refused(
      ['site', 'setup', '--data', world.path('wrong'), ...wrong, ...more],
      /cannot be set up like this/,
      2,
    );
    for (const expected of [
      /toolong/,
      /a secondary site stands under a primary/,
      /no-root\.json is not there/,
      /updates is no address/,
      /recovery\.pem exists and is not overwritten/,
      /--enrolment-code has no use/,
      /is no medium/,
      /--baseline hello cannot be read/,
      /nowhere is no address/,
      /--check-hours -1/,
    ]) {
      assert.match(message, expected);
    }
    assert.equal(await readFile(existing, 'utf8'), 'somebody’s only key');
    await world.refused(['site', 'setup', '--data', cas.data, '--code', 'CAS'], /required option '--type/, 2);
    await world.refused(
      ['site', 'run', '--data', world.path('wrong')],
      /holds no site: make one with "sallyport site setup/,
    );
  });

  it('does not make a site of a release that the medium lacks, nor a second one in a folder, nor with a used or wrong enrolment code', async () => {
    const one = new Site(world, 'ONE', world.path('one'));
    const code = await cloud.enrolmentCode();
    const setup = ['site', 'setup', ...topTierOptions(cloud, one, 'primary', url)];
    await world.refused([...setup, '--enrolment-code', '00000-00000-00000-00000-00000'], /enrolment code/i);
    const key = await readFile(`${one.data}-recovery.pem`, 'utf8');
    await world.refused(
      [...setup, '--enrolment-code', code, '--baseline', 'hello=9.9'],
      /has no usable 9\.9: it has 1\.\d, 1\.\d/,
    );
    await world.refused([...setup, '--enrolment-code', code, '--code', 'TWO'], /TWO/);
    // The same command with the answer put right goes on with what there is: key, hierarchy and enrolment.
    await world.done([...setup, '--enrolment-code', code]);
    assert.equal(await readFile(`${one.data}-recovery.pem`, 'utf8'), key);
    assert.equal(await one.program(), 'hello 1.0');
    await world.refused([...setup, '--enrolment-code', code], /holds site ONE already/);
    const two = topTierOptions(cloud, new Site(world, 'TWO', world.path('two')), 'primary', url);
    await world.refused(
      ['site', 'setup', ...two, '--enrolment-code', code],
      /enrolment code.*used|used.*enrolment code/i,
    );
  });

  it('lets a site in with its own token only, once, and loses nothing by a wrong one', async () => {
    const token = await joinToken(cas, 'PR2', 'primary', below(cas));
    await world.refused(
      joining('PR2', 'sallyport-join-1.abc'),
      /join token cannot be read .*: copy it again/,
      2,
    );
    await world.refused(joining('PR3', token), /token is for site PR2, not PR3: use its own token/, 2);
    await world.refused(
      joining('PR2', changed(token, { secret: 'a'.repeat(64) })),
      /may not join: The join token is wrong/,
    );
    await world.refused(
      joining('PR2', changed(token, { id: 'b'.repeat(32) })),
      /may not join: The join token is not known/,
    );
    await world.refused(
      joining('PR2', changed(token, { hierarchyId: hierarchyId('c'.repeat(64)) })),
      /of another address|another hierarchy/,
    );
    await world.refused(joining('PR2', changed(token, { parentKey: 'd'.repeat(64) })), /key/);
    await world.refused(
      joining(
        'PR3',
        changed(token, { code: parseJoinToken(await joinToken(cas, 'PR3', 'primary', below(cas))).code }),
      ),
      /may not join/,
    );
    assert.equal(await cas.knows('PR2'), undefined);
    await world.done(joining('PR2', token));
    assert.equal((await cas.knows('PR2'))?.type, 'primary');
    const second = [...joining('PR2', token)].map((word) =>
      word === world.path('pr2') ? world.path('pr2-again') : word,
    );
    await world.refused(second, /may not join: The join token was used at .*Issue a new one/);
    await cas.refused(['site', 'token', '--code', 'PR2', '--type', 'primary'], /site code PR2 is taken/);
  });

  it('lets one server work on a data folder, and tells the second which process that is', async () => {
    const second = await cas.refused(['site', 'run'], /is in use by process \d+: stop that server first/);
    assert.match(second, new RegExp(`process ${cas.server?.pid}\\b`));
    assert.equal((await cas.ask<SitesResult>('site', 'show')).sites[0]?.code, 'CAS', 'the first goes on');
  });

  it('refuses a package that nobody knows, a licence that nobody accepted, and a second install', async () => {
    for (const command of [
      'show',
      'why',
      'download',
      'install',
      'cancel',
      'retry',
      'reset',
      'status',
      'history',
    ]) {
      await cas.refused(['update', command, '9.9'], /9\.9/);
    }
    const unknown = await cas.run('update', 'show', '9.9', '--json');
    assert.equal((JSON.parse(unknown.out) as { error: { code: string } }).error.code, 'NOT_FOUND');
    await world.done(['cloud', 'rollout', '--data', cloud.data, '1.1', '--percentage', '100']);
    await cas.downloads('1.1');
    await cas.refused(
      ['update', 'install', '1.1'],
      /comes under "Example licence": read it with .*, then accept it/,
    );
    await cas.refused(
      ['update', 'install', '1.1', '--accept-licence', '--feature', 'teleport'],
      /no feature "teleport": it has languages/,
    );
    await cas.refused(
      ['update', 'install', '1.1', '--accept-licence', '--site', 'PR1'],
      /top-tier site CAS installs first/,
    );
    // PR2 is in the roster and does not run: the install rests at the others.
    await cas.ask<ActionResult>('update', 'install', '1.1', '--accept-licence');
    await cas.refused(
      ['update', 'install', '1.1', '--accept-licence'],
      /under way already|is installed already|cannot be ordered/,
    );
    await cas.reaches('1.1', 'INSTALL_SUCCESS', 'PR1');
    await cas.refused(['update', 'install', '1.1', '--accept-licence'], /is installed already/);
    assert.equal(await pr1.program(), 'hello 1.1');
  });

  it('tells a site of another hierarchy that this is not its parent', async () => {
    const other = await topTier(cloud, url, 'OTH', 'central');
    const foreign = await joined(cloud, other, 'PR9', 'primary', below(other));
    await foreign.stop();
    await other.stop();
    const file = `${foreign.data}/site.json`;
    const config = JSON.parse(await readFile(file, 'utf8')) as { parent: { port: number } };
    await writeFile(
      file,
      JSON.stringify({
        ...config,
        parent: { ...config.parent, port: Number(cas.address.split(':').at(-1)) },
      }),
    );
    await foreign.start();
    const reason = await linkProblem(foreign);
    assert.match(reason, /key/);
    assert.match(reason, /OTH/);
    assert.equal(await cas.knows('PR9'), undefined);
    await foreign.stop();
  });

  it('cuts a revoked site off, tells it why, and takes no other site with that code', async () => {
    await cas.ask('site', 'revoke', 'PR1', '--reason', 'stolen from the van');
    assert.match(await linkProblem(pr1), /PR1 was revoked at .* \(stolen from the van\)/);
    assert.equal((await cas.knows('PR1'))?.revoked?.reason, 'stolen from the van');
    assert.match((await cas.run('site', 'show')).out, /PR1 .*revoked .*stolen from the van/);
    await cas.refused(
      ['site', 'token', '--code', 'PR1', '--type', 'primary'],
      /PR1 is taken .*although it is revoked/,
    );
    await cas.refused(['site', 'revoke', 'CAS', '--reason', 'why not'], /CAS/);
    assert.equal(await pr1.program(), 'hello 1.1', 'what it has stays');
  });

  it('does not take an expired join token', async () => {
    const token = await joinToken(cas, 'PR5', 'primary', below(cas));
    await cas.stop();
    await cas.start(clockMovedBy(25 * 3_600_000));
    await world.refused(
      joining('PR5', changed(token, { expiresAt: 4_000_000_000_000 })),
      /may not join: The join token expired at .*Issue a new one/,
    );
    await cas.stop();
  });
});

/** What a site finds wrong with the link to its parent, once it does. */
function linkProblem(site: Site): Promise<string> {
  return until(`site ${site.code} finds something wrong with the link to its parent`, async () => {
    const own = await site.knows(site.code);
    const replication = own?.components?.find(({ name }) => name === 'SMS_REPLICATION_MANAGER');
    return replication?.state === 'failing' ? replication.reason : undefined;
  });
}
