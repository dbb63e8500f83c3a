import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PackageDescriptor } from '@sallyport/core/domain/updates/package';
import { productId } from '@sallyport/core/shared/ids';
import { installBaseline } from './baseline.ts';
import { guids, never, TestSite, versionCheck, type TestPackage } from './test-support/test-site.ts';

const other = productId('other');
const timeoutMs = 20_000;

async function baselineOf(site: TestSite, more: Partial<PackageDescriptor> = {}): Promise<TestPackage> {
  return site.publish({ guid: guids.new, product: other, kind: 'baseline', version: '5.0.0', ...more });
}

function install(site: TestSite, baseline: TestPackage) {
  return installBaseline(site.ports(), { code: site.code, platform: site.config.platform }, baseline, never);
}

test('a baseline is staged, its hooks run, and the pointer names it once it is healthy', async (t) => {
  const site = await TestSite.open(t);
  const hooks = [{ id: 'prepare', phase: 'before-switch' as const, run: site.tracing('prepare'), timeoutMs }];
  const baseline = await baselineOf(site, { hooks });
  const release = await install(site, baseline);
  assert.deepEqual(await site.releases.current(other), release);
  assert.deepEqual(release.installed, [guids.new]);
  assert.deepEqual(await site.releases.verify(other, release.folder, baseline.tree, never), []);
  assert.deepEqual(await site.trace(), ['prepare']);
  assert.deepEqual(await install(site, baseline), release);
  assert.deepEqual(await site.trace(), ['prepare']);
  assert.deepEqual(await site.scratchLeft(), []);
});

test('an unhealthy baseline leaves no pointer, no release and no work of its hooks', async (t) => {
  const site = await TestSite.open(t);
  const undo = { run: site.tracing('undo'), timeoutMs };
  const hooks = [
    { id: 'prepare', phase: 'before-switch' as const, run: site.tracing('prepare'), timeoutMs, undo },
  ];
  const baseline = await baselineOf(site, { hooks, healthCheck: versionCheck('other') });
  await assert.rejects(install(site, baseline), { code: 'HEALTH_CHECK_FAILED' });
  assert.equal(await site.releases.current(other), undefined);
  assert.deepEqual(await site.releases.list(other), []);
  assert.deepEqual(await site.trace(), ['prepare', 'undo']);
  assert.deepEqual(await site.scratchLeft(), []);
});

test('a site that has the product gets no other baseline', async (t) => {
  const site = await TestSite.open(t);
  await install(site, await baselineOf(site));
  const second = await baselineOf(site, { guid: guids.fix, version: '6.0.0' });
  await assert.rejects(install(site, second), { code: 'ALREADY_INSTALLED' });
  assert.equal((await site.releases.current(other))?.version, '5.0.0');
});
