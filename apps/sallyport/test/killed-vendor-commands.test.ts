import assert from 'node:assert/strict';
import { cp, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { after, before, describe, it, type TestContext } from 'node:test';
import { OtherClient } from '@sallyport/engine/cloud/test-support/tuf-client';
import { Cloud } from './cloud.ts';
import { dieAlone, recordCommand, walkCommand } from './checkpoints/mortal-command.ts';
import { leftForOtherDays } from './checkpoints/share.ts';
import { newRelease, oldRelease } from './checkpoints/product.ts';
import { type Outcome, World } from './harness.ts';
import { definePackage } from './packages.ts';
import { StaticServer } from './static-server.ts';

describe('a command of the vendor that is killed with kill -9 at its checkpoints, and repeated', () => {
  let world: World;
  let cloud: Cloud;
  let web: StaticServer;
  let update: string;

  before(async () => {
    world = await World.open();
    cloud = await Cloud.init(world, 'cloud');
    await cloud.publish(
      await definePackage(world, '1.0', oldRelease()),
      await definePackage(world, '1.0.1', { kind: 'hotfix' }),
    );
    update = await definePackage(world, '1.1', newRelease(world.folder));
    web = await StaticServer.open(world.folder);
    world.ends(() => web.close());
  });
  after(() => world.close());

  /** A copy of the vendor's folder as it was before the tests. */
  async function copyOf(name: string): Promise<string> {
    const folder = world.path(name);
    await rm(folder, { recursive: true, force: true });
    await cp(cloud.data, folder, { recursive: true });
    return folder;
  }

  async function client(context: TestContext, folder: string): Promise<OtherClient> {
    const root = await readFile(join(folder, 'repository', 'metadata', '1.root.json'));
    return OtherClient.create(
      context,
      `${web.url.href}${folder.slice(world.folder.length + 1)}/repository`,
      root,
    );
  }

  /** Kills the command everywhere; customers of before and of now can refresh after each death. Answers the folder. */
  async function walk(
    context: TestContext,
    name: string,
    args: (data: string) => readonly string[],
  ): Promise<string> {
    const reference = await copyOf(`${name}-reference`);
    const recorded = await recordCommand(world, args(reference), reference);
    const except = leftForOtherDays(recorded, process.env['SALLYPORT_KILLS']);
    const folder = await copyOf(name);
    const customer = await client(context, folder);
    await customer.fetch('catalog/hello.json');
    const { diedAt } = await walkCommand(world, args(folder), folder, {
      except,
      afterDeath: async () => {
        await customer.fetch('catalog/hello.json');
        await customer.fetch('rollout/hello.json');
      },
    });
    const newcomer = await client(context, folder);
    await newcomer.fetch('catalog/hello.json');
    assert.deepEqual(
      recorded.filter((at) => !diedAt.includes(at) && !except.includes(at)),
      [],
      'it has died at each of today’s',
    );
    assert.deepEqual(await leftovers(folder), [], 'nothing half-made is left');
    context.diagnostic(`${recorded.length} kinds of checkpoints, killed ${diedAt.length} times`);
    return folder;
  }

  it('publishes the same package', async (t) => {
    const folder = await walk(t, 'publish', (data) => [
      'cloud',
      'publish',
      '--data',
      data,
      '--percentage',
      '100',
      update,
    ]);
    const reference = world.path('publish-reference');
    for (const part of ['blobs/sha256', 'targets/catalog']) {
      assert.deepEqual(
        await names(folder, part),
        await names(reference, part),
        `${part} holds what a publication without deaths gives`,
      );
    }
    // Its seed is drawn by lot, so that no two roll-outs are the same.
    const { products } = await world.json<{
      products: { packages: { version: string; percentage?: number }[] }[];
    }>(['cloud', 'show', '--data', folder]);
    assert.deepEqual(
      products[0]?.packages.map(({ version, percentage }) => [version, percentage]).toSorted(),
      [
        ['1.0', undefined],
        ['1.0.1', 100],
        ['1.1', 100],
      ],
    );
  });

  it('rolls out the same', async (t) => {
    const folder = await walk(t, 'rollout', (data) => [
      'cloud',
      'rollout',
      '1.0.1',
      '--data',
      data,
      '--floor',
    ]);
    assert.deepEqual(
      await names(folder, 'targets/rollout'),
      await names(world.path('rollout-reference'), 'targets/rollout'),
    );
  });

  for (const role of ['rollout', 'offer']) {
    it(`leaves the role ${role} with new keys in force, and only those`, async (t) => {
      const folder = await walk(t, `rotate-${role}`, (data) => [
        'cloud',
        'keys',
        'rotate',
        role,
        '--data',
        data,
      ]);
      const { keys } = await world.json<{ keys: { role: string; inForce: boolean; publicKey: string }[] }>([
        'cloud',
        'show',
        '--data',
        folder,
      ]);
      const now = keys.filter((key) => key.role === role);
      assert.deepEqual(
        now.map(({ inForce }) => inForce),
        [true],
        'nothing is left of the keys of the lives that did not come to their end',
      );
      const earlier = await world.json<{ keys: typeof keys }>(['cloud', 'show', '--data', cloud.data]);
      const old = earlier.keys.find((key) => key.role === role && key.inForce);
      assert.notEqual(now[0]?.publicKey, old?.publicKey);
    });
  }

  it('makes one repository that works, with no online keys but those it trusts', async (t) => {
    const few = ['root', 'targets', 'catalogue'].flatMap((role) => [
      `--${role}-keys`,
      '1',
      `--${role}-threshold`,
      '1',
    ]);
    const init = (data: string): readonly string[] => [
      'cloud',
      'init',
      '--data',
      data,
      '--vendor',
      'Example',
      '--product',
      'hello:Hello',
      ...few,
    ];
    const reference = world.path('init-reference');
    const recorded = await recordCommand(world, init(reference), reference);
    const except = leftForOtherDays(recorded, process.env['SALLYPORT_KILLS']);
    const folder = world.path('init');
    const { diedAt } = await walkCommand(world, init(folder), folder, { except, isDone });
    // What is done is not done again by the next life: there it dies in a life of its own.
    const missed = recorded.filter((at) => !diedAt.includes(at) && !except.includes(at));
    for (const [nth, at] of missed.entries()) {
      const other = world.path(`init-${nth}`);
      await dieAlone(world, init(other), other, at, isDone);
      await (await client(t, other)).fetch('catalog/hello.json');
    }
    assert.deepEqual(await leftovers(folder), [], 'nothing half-made is left');
    await (await client(t, folder)).fetch('catalog/hello.json');
    const { keys } = await world.json<{ keys: { offline: boolean; inForce: boolean }[] }>([
      'cloud',
      'show',
      '--data',
      folder,
    ]);
    assert.deepEqual(
      keys.filter(({ inForce, offline }) => !inForce && !offline),
      [],
      'what is offline is the administrator’s to destroy',
    );
    await new Cloud(world, folder).publish(update);
    t.diagnostic(
      `${recorded.length} kinds of checkpoints, killed ${diedAt.length} times in a row and ${missed.length} times alone`,
    );
  });

  async function names(folder: string, part: string): Promise<readonly string[]> {
    return (await readdir(join(folder, 'repository', part))).toSorted();
  }
});

function isDone({ err }: Outcome): boolean {
  return /holds a repository already/.test(err);
}

/** Files that are no result of anything. What lies in `partial` is swept an hour later: another process may be writing it. */
async function leftovers(folder: string): Promise<readonly string[]> {
  const found = await readdir(folder, { recursive: true });
  return found.filter((name) => name.endsWith('.tmp'));
}
