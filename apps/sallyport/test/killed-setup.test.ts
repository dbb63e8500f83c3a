import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { after, before, describe, it, type TestContext } from 'node:test';
import type { SitesResult } from '@sallyport/core/wire/api';
import { Cloud, hello } from './cloud.ts';
import { recordCommand, walkCommand } from './checkpoints/mortal-command.ts';
import { World } from './harness.ts';
import { below, joinToken, Site, topTierOptions } from './hierarchy.ts';

describe('the set-up of a site that is killed with kill -9 at each of its checkpoints, and repeated', () => {
  let world: World;
  let cloud: Cloud;
  let url: URL;
  let cas: Site;

  before(async () => {
    world = await World.open();
    cloud = await Cloud.init(world, 'cloud');
    await cloud.publish(hello.baseline);
    url = await cloud.serve();
  });
  after(() => world.close());

  it('gives the same top-tier site, with the enrolment code that was used by a life before', async (t) => {
    const setup = async (name: string): Promise<readonly string[]> => [
      'site',
      'setup',
      ...topTierOptions(cloud, new Site(world, 'CAS', world.path(name)), 'central', url),
      '--enrolment-code',
      await cloud.enrolmentCode(),
    ];
    cas = new Site(world, 'CAS', world.path('cas'));
    await walk(t, await setup('cas-reference'), await setup('cas'), 'cas');
    await cas.start();
    assert.equal(await cas.program(), 'hello 1.0');
    await cas.ask('update', 'check');
    const { hierarchies, codes } = await world.json<{
      hierarchies: { reportedAt?: string }[];
      codes: { used: number };
    }>(['cloud', 'show', '--data', cloud.data]);
    assert.deepEqual(
      [hierarchies.length, codes.used],
      [2, 2],
      'one registration each, the reference’s and this one’s',
    );
  });

  it('gives the same site below it, with the token that was used by a life before', async (t) => {
    const setup = async (name: string, code: string): Promise<readonly string[]> => [
      'site',
      'setup',
      '--data',
      world.path(name),
      '--code',
      code,
      '--type',
      'primary',
      '--trust-root',
      cloud.trustRoot,
      '--join',
      await joinToken(cas, code, 'primary', below(cas)),
    ];
    const pr1 = new Site(world, 'PR1', world.path('pr1'));
    await walk(t, await setup('pr1-reference', 'PR9'), await setup('pr1', 'PR1'), 'pr1');
    await pr1.start();
    assert.equal(await pr1.program(), 'hello 1.0');
    const { sites } = await cas.ask<SitesResult>('site', 'show');
    assert.deepEqual(
      sites.map(({ code }) => code),
      ['CAS', 'PR1', 'PR9'],
    );
  });

  async function walk(
    context: TestContext,
    reference: readonly string[],
    args: readonly string[],
    name: string,
  ): Promise<void> {
    const recorded = await recordCommand(world, reference, world.path(`${name}-reference`));
    const { diedAt } = await walkCommand(world, args, world.path(name), {
      isDone: ({ err }) => /holds site \S+ already/.test(err),
    });
    assert.deepEqual(
      recorded.filter((at) => !diedAt.includes(at)),
      [],
      'it has died at each of them',
    );
    assert.deepEqual(
      await stableNames(world.path(name)),
      await stableNames(world.path(`${name}-reference`)),
      'the same files are there as without deaths',
    );
    context.diagnostic(`${recorded.length} kinds of checkpoints, killed ${diedAt.length} times`);
  }
});

/** What lies in a site's folder, without logs and what SQLite keeps beside a database that was killed. */
async function stableNames(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder, { recursive: true });
  return names.filter((name) => !/^logs\/|-(?:wal|shm|journal)$/.test(name)).toSorted();
}
