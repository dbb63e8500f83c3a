import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { Hook, PackageDescriptor } from '@sallyport/core/domain/updates/package';
import { canCancel, refold } from '@sallyport/core/domain/updates/state';
import { Crash, Fuse, SmallWorld } from './test-support/fuse.ts';
import { guids, never, product, TestSite, type TestPackage } from './test-support/test-site.ts';

const timeoutMs = 1_000;

function hook(id: string, phase: Hook['phase'], more: Partial<Hook> = {}): Hook {
  return { id, phase, run: ['set', id], timeoutMs, undo: { run: ['unset', id], timeoutMs }, ...more };
}

/** Its work can be told from outside, so it is done once however often the server dies. */
const migrate = hook('migrate', 'before-switch', { probe: { run: ['ask', 'migrate'], timeoutMs } });
const notify = hook('notify', 'after-switch');
const healthy: PackageDescriptor['healthCheck'] = {
  run: ['print', 'fine'],
  outputIs: 'fine',
  timeoutMs,
  attemptsMax: 1,
  delayMs: 1,
};

interface Life {
  readonly site: TestSite;
  readonly world: SmallWorld;
  readonly published: TestPackage;
}

interface Story {
  readonly hooks: readonly Hook[];
  readonly healthCheck: PackageDescriptor['healthCheck'];
  /** Both when absent. */
  readonly moments?: readonly ('after' | 'before')[];
  /** Done after the crash, before the server starts again. */
  readonly meanwhile?: (life: Life) => void;
  readonly check: (life: Life) => Promise<void>;
}

/**
 * Lets the server die at each of its calls and start again. A first life without a crash tells how
 * many there are, and is held to the same.
 */
async function survives(t: TestContext, story: Story): Promise<void> {
  const callCount = await live(t, story, Infinity, 'before');
  assert.ok(callCount > 20, `only ${callCount} calls`);
  for (let at = 0; at < callCount; at += 1) {
    for (const moment of story.moments ?? (['before', 'after'] as const)) await live(t, story, at, moment);
  }
}

async function live(t: TestContext, story: Story, at: number, moment: 'after' | 'before'): Promise<number> {
  const site = await TestSite.open(t);
  const world = new SmallWorld();
  site.processes = world;
  const { hooks, healthCheck } = story;
  const published = await site.publish({ hooks, healthCheck });
  const life: Life = { site, world, published };
  site.order();
  const fuse = new Fuse(at, moment);
  site.installer = site.newInstaller(fuse.guard(site.ports()));
  try {
    await site.installer.start(never);
    await site.installer.runOnce().catch((failure: unknown) => {
      if (!(failure instanceof Crash)) throw failure;
    });
    await site.restart();
    story.meanwhile?.(life);
    await site.work();
    await story.check(life);
    assert.equal(site.journal(), undefined);
    assert.deepEqual(await site.scratchLeft(), []);
    site.database.read(({ updates }) => {
      assert.deepEqual(refold(updates.events({ guid: guids.new })), updates.projection(guids.new, site.code));
    });
  } catch (failure) {
    throw new Error(`dying ${moment} call ${at} (${fuse.calls[at] ?? 'none'})`, { cause: failure });
  } finally {
    await site.close();
  }
  return fuse.calls.length;
}

async function assertInstalled({ site, world, published }: Life): Promise<void> {
  assert.equal(site.projection()?.state, 'INSTALL_SUCCESS');
  assert.equal(await site.runs(), '2.0.0');
  assert.deepEqual(await site.releases.list(product), ['1.0.0', '2.0.0']);
  assert.deepEqual(await site.releases.verify(product, '2.0.0', published.tree, never), []);
  assert.deepEqual(await readdir(join(site.folder, 'backup')), ['before-tool-2.0.0.db']);
  assert.deepEqual(world.set, ['migrate', 'notify']);
  assert.equal(world.timesSet('migrate'), 1);
}

async function assertBack({ site, world, published }: Life): Promise<void> {
  assert.equal(await site.runs(), '1.0.0');
  assert.deepEqual(await site.releases.list(product), ['1.0.0']);
  assert.deepEqual(world.set, []);
  // What was undone before the server died is not undone again: only what it died in is.
  assert.ok(world.unsetCount <= published.descriptor.hooks.length + 1, `${world.unsetCount} undone`);
}

test('an install that dies at any call goes on to the same result, and a hook with a probe works once', async (t) => {
  await survives(t, { hooks: [migrate, notify], healthCheck: healthy, check: assertInstalled });
});

test('an unhealthy release is taken back whole, wherever the server dies', async (t) => {
  await survives(t, {
    hooks: [migrate, notify],
    healthCheck: { ...healthy, outputIs: 'splendid' },
    check: async (life) => {
      await assertBack(life);
      const { state, data } = life.site.projection() ?? {};
      assert.equal(state, 'INSTALL_FAILED');
      assert.equal(data?.['code'], 'HEALTH_CHECK_FAILED');
      assert.equal(data['rolledBack'], true);
    },
  });
});

test('a failing hook takes everything back, wherever the server dies', async (t) => {
  const failing = hook('failing', 'before-switch', { run: ['fail'] });
  await survives(t, {
    hooks: [migrate, failing, notify],
    moments: ['after'],
    healthCheck: healthy,
    check: async (life) => {
      await assertBack(life);
      const { state, data } = life.site.projection() ?? {};
      assert.equal(state, 'INSTALL_FAILED');
      assert.equal(data?.['step'], 'before-switch-hooks');
      assert.equal(data['rolledBack'], false);
      assert.equal(life.world.timesSet('notify'), 0);
    },
  });
});

test('a cancel between death and start takes everything back, or comes too late and changes nothing', async (t) => {
  let cancelled = false;
  await survives(t, {
    hooks: [migrate, notify],
    healthCheck: healthy,
    moments: ['before'],
    meanwhile: ({ site }) => {
      const projection = site.projection();
      cancelled = projection !== undefined && canCancel(projection);
      if (cancelled) site.tell('cancelled', { reason: 'Cancelled by anna.' });
    },
    check: async (life) => {
      if (!cancelled) return assertInstalled(life);
      await assertBack(life);
      assert.equal(life.site.projection()?.state, 'DOWNLOAD_SUCCESS');
    },
  });
});
