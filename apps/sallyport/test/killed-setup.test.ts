import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import process from 'node:process';
import { after, before, describe, it, type TestContext } from 'node:test';
import type { SitesResult } from '@sallyport/core/wire/api';
import { Cloud, hello } from './cloud.ts';
import { dieAlone, recordCommand, walkCommand } from './checkpoints/mortal-command.ts';
import { leftForOtherDays } from './checkpoints/share.ts';
import { type Outcome, World } from './harness.ts';
import { below, joinToken, Site, topTierOptions } from './hierarchy.ts';

describe('the set-up of a site that is killed with kill -9 at its checkpoints, and repeated', () => {
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
    const others = await walk(t, 'cas', setup);
    await cas.start();
    assert.deepEqual(await litterIn(cas.data), []);
    assert.equal(await cas.program(), 'hello 1.0');
    await cas.ask('update', 'check');
    const { hierarchies, codes } = await world.json<{
      hierarchies: { reportedAt?: string }[];
      codes: { used: number };
    }>(['cloud', 'show', '--data', cloud.data]);
    assert.deepEqual([hierarchies.length, codes.used], [others + 2, others + 2], 'one registration each');
  });

  it('gives the same site below it, with the token that was used by a life before', async (t) => {
    const setup = async (name: string, nth: number): Promise<readonly string[]> => [
      'site',
      'setup',
      '--data',
      world.path(name),
      '--code',
      `PR${nth}`,
      '--type',
      'primary',
      '--trust-root',
      cloud.trustRoot,
      '--join',
      await joinToken(cas, `PR${nth}`, 'primary', below(cas)),
    ];
    const pr1 = new Site(world, 'PR1', world.path('pr1'));
    await walk(t, 'pr1', setup);
    await pr1.start();
    assert.deepEqual(await litterIn(pr1.data), []);
    assert.equal(await pr1.program(), 'hello 1.0');
    const { sites } = await cas.ask<SitesResult>('site', 'show');
    assert.deepEqual(
      sites.slice(0, 3).map(({ code, revoked }) => [code, revoked]),
      [
        ['CAS', undefined],
        ['PR0', undefined],
        ['PR1', undefined],
      ],
    );
  });

  /** Answers how many other sites it took to die at what the walk did not meet again. */
  async function walk(
    context: TestContext,
    name: string,
    setup: (name: string, nth: number) => Promise<readonly string[]>,
  ): Promise<number> {
    const reference = `${name}-reference`;
    const recorded = await recordCommand(world, await setup(reference, 0), world.path(reference));
    const except = leftForOtherDays(recorded, process.env['SALLYPORT_KILLS']);
    const { diedAt } = await walkCommand(world, await setup(name, 1), world.path(name), { except, isDone });
    const expected = await stableNames(world.path(reference));
    assert.deepEqual(
      await stableNames(world.path(name)),
      expected,
      'the same files are there as without deaths',
    );
    // What is done is not done again by the next life: there it dies in a life of its own.
    const missed = recorded.filter((at) => !diedAt.includes(at) && !except.includes(at));
    for (const [nth, at] of missed.entries()) {
      const other = `${name}-${nth + 2}`;
      await dieAlone(world, await setup(other, nth + 2), world.path(other), at, isDone);
      assert.deepEqual(await stableNames(world.path(other)), expected, `the same files, after "${at}"`);
    }
    context.diagnostic(
      `${recorded.length} kinds of checkpoints, killed ${diedAt.length} times in a row and ${missed.length} times alone`,
    );
    return missed.length;
  }
});

function isDone({ err }: Outcome): boolean {
  return /holds site \S+ already/.test(err);
}

/** What lies in a site's folder, without logs and what the next process that takes the folder tidies up. */
async function stableNames(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder, { recursive: true });
  return names.filter((name) => !passing.test(name) && !litter.test(name)).toSorted();
}

async function litterIn(folder: string): Promise<readonly string[]> {
  return (await readdir(folder, { recursive: true })).filter((name) => litter.test(name));
}

const passing = /^(?:logs|run|trust\/run)\/|-(?:wal|shm|journal)$/;
const litter = /\.tmp$|(?:^|\/)(?:partial|scratch)\/./;
