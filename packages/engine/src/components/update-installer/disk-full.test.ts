import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { test, type TestContext } from 'node:test';
import { refold } from '@sallyport/core/domain/updates/state';
import { type DiskFault, FaultyDisk } from '../../../test-support/disk-faults.ts';
import type { DiskCall } from '../../../test-support/disk-watch-state.ts';
import { SmallWorld } from './test-support/fuse.ts';
import { guids, never, product, TestSite, type TestPackage } from './test-support/test-site.ts';

// In memory, where there is such a place: hundreds of sites are made here, with all their syncs.
if (existsSync('/dev/shm')) process.env['TMPDIR'] = '/dev/shm';

const timeoutMs = 1_000;

async function siteWithOrder(t: TestContext): Promise<{ site: TestSite; published: TestPackage }> {
  const site = await TestSite.open(t);
  site.processes = new SmallWorld();
  const published = await site.publish({
    hooks: [
      {
        id: 'migrate',
        phase: 'before-switch',
        run: ['set', 'a'],
        undo: { run: ['unset', 'a'], timeoutMs },
        timeoutMs,
      },
    ],
    healthCheck: { run: ['print', 'fine'], outputIs: 'fine', timeoutMs, attemptsMax: 1, delayMs: 1 },
  });
  site.order();
  site.installer = site.newInstaller();
  return { site, published };
}

const why =
  /the disk is full \(ENOSPC\); make room|the disk fails \(EIO\); check the disk|the disk is mounted read-only \(EROFS\); mount it for writing/;

/** What people are told while the disk fails: in the update's state, or in the component's while nothing is decided. */
function assertTold(site: TestSite): void {
  const projection = site.projection();
  if (projection?.state === 'INSTALL_SUCCESS') return;
  const { state, reason, nextAt } = site.installer.query();
  const told = projection?.state === 'INSTALL_FAILED' ? projection.reason : reason;
  assert.match(told, why);
  assert.ok(told.includes(site.folder), `names no place: ${told}`);
  if (projection?.state === 'INSTALL_FAILED') return;
  assert.equal(state, 'failing');
  assert.ok(nextAt !== undefined, 'it is tried again by itself');
}

async function assertInstalled(site: TestSite, published: TestPackage): Promise<void> {
  assert.equal(site.projection()?.state, 'INSTALL_SUCCESS');
  assert.equal(await site.runs(), '2.0.0');
  assert.deepEqual(await site.releases.list(product), ['1.0.0', '2.0.0']);
  assert.deepEqual(await site.releases.verify(product, '2.0.0', published.tree, never), []);
  assert.deepEqual(await readdir(join(site.folder, 'backup')), ['before-tool-2.0.0.db']);
  assert.equal(site.journal(), undefined);
  site.database.read(({ updates }) => {
    assert.deepEqual(refold(updates.events({ guid: guids.new })), updates.projection(guids.new, site.code));
  });
}

/** Answers how many changing calls there were, and the state in which the failing disk left the update. */
async function live(t: TestContext, fault: DiskFault): Promise<{ calls: number; left: string }> {
  const { site, published } = await siteWithOrder(t);
  const disk = new FaultyDisk(site.folder, fault);
  try {
    await disk.run(() => site.work().catch(() => undefined));
    const left = site.projection()?.state ?? 'none';
    if (disk.struck !== undefined) {
      if (fault.lasts === 'until-mended') assertTold(site);
      if (left === 'INSTALL_FAILED') assert.equal(await site.runs(), '1.0.0');
    }
    // There is room again. What had not been decided goes on by itself; what was given up is ordered again.
    await site.work();
    if (site.projection()?.state === 'INSTALL_FAILED') {
      assert.equal(await site.runs(), '1.0.0');
      // One that could not be removed is whole all the same.
      for (const version of await site.releases.list(product)) {
        const { tree } = site.packages.get(version === '1.0.0' ? guids.old : guids.new) ?? published;
        assert.deepEqual(await site.releases.verify(product, version, tree, never), []);
      }
      site.order();
      await site.work();
    }
    await assertInstalled(site, published);
    // A scratch folder that the disk would not let go of is no harm, and goes with the next one.
    if (disk.struck?.path.includes('/scratch/') !== true) assert.deepEqual(await site.scratchLeft(), []);
    return { calls: disk.calls.length, left };
  } catch (failure) {
    const { kind, path } = disk.struck ?? { kind: 'nothing', path: '' };
    const where = `${kind} ${path.slice(site.folder.length)}`;
    throw new Error(`${fault.code} at call ${fault.at} (${where}): ${String(failure)}`, { cause: failure });
  } finally {
    await site.close();
  }
}

for (const { code, lasts } of [
  { code: 'ENOSPC', lasts: 'until-mended' },
  { code: 'EIO', lasts: 'once' },
  { code: 'EROFS', lasts: 'until-mended' },
] as const) {
  test(`an install on a disk that answers ${code} at any change says why, runs the release before, and succeeds in the end`, async (t) => {
    const { calls } = await live(t, { code, lasts, at: Infinity });
    assert.ok(calls > 30, `only ${calls} changes`);
    const left = new Set<string>();
    for (let at = 0; at < calls; at += 1) left.add((await live(t, { code, lasts, at })).left);
    assert.ok(left.has('INSTALL_FAILED') && left.has('INSTALL_SUCCESS'), [...left].join());
  });
}

test('a release for which there is no room says how much it takes and how much is free', async (t) => {
  const isStaging = ({ kind, path }: DiskCall): boolean =>
    kind === 'write' && path.includes('.staging-2.0.0');
  const sound = await siteWithOrder(t);
  const rehearsal = new FaultyDisk(sound.site.folder, { code: 'ENOSPC', lasts: 'once', at: Infinity });
  await rehearsal.run(() => sound.site.work());
  const at = rehearsal.calls.findIndex(isStaging);
  const { site } = await siteWithOrder(t);
  const disk = new FaultyDisk(site.folder, { code: 'ENOSPC', lasts: 'until-mended', at });
  await disk.run(() => site.work().catch(() => undefined));
  assert.match(
    site.projection()?.reason ?? '',
    /could not be staged: .+ cannot be used: the disk is full \(ENOSPC\); make room on it and try again: the release takes \d+ B, and .+ are free\. This site runs 1\.0\.0 as before/,
  );
});
