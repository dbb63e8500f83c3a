import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PackageGuid } from '@sallyport/core/shared/ids';
import { never } from '../../../test-support/bytes.ts';
import type { TestHierarchy, TestSite } from '../hierarchy-manager/test-support/test-hierarchy.ts';
import { guids } from '../hierarchy-manager/test-support/test-vendor.ts';
import { packageOf } from '../hierarchy-manager/trusted-view.ts';
import { connectionSettingName, readConnection } from '../service-connection/connection-setting.ts';
import { collectionRoots, packagesToKeep } from './collection-roots.ts';
import { rootPorts, withDownload } from './test-support/cared-library.ts';

const releases = [guids.base, guids.update, guids.hotfix, guids.other];

/** Packages that a site keeps, and whether it has had them. */
async function kept(
  { roster }: TestHierarchy,
  site: TestSite,
  more: { readonly revoked?: string } = {},
): Promise<ReadonlyMap<PackageGuid, boolean>> {
  const sites = roster.sites.map((entry) =>
    entry.code === more.revoked ? { ...entry, revoked: { at: '2026-01-10', reason: 'lost' } } : entry,
  );
  const packages = await packagesToKeep(rootPorts(site, { ...roster, sites }));
  return new Map(packages.map(({ descriptor, heldHere }) => [descriptor.guid, heldHere]));
}

/** The top-tier site has gone on by two releases. */
async function goesOn(hierarchy: TestHierarchy): Promise<void> {
  await hierarchy.runs(hierarchy.top, guids.other, '4.0.0', releases);
}

test('what only a revoked site lacks, or has in hand, is not kept', async (t) => {
  const hierarchy = await withDownload(t);
  const { top } = hierarchy;
  await top.operations.install({ id: '2.0.0', by: 'eve' });
  await hierarchy.settle();
  await hierarchy.installs('CAS', guids.update);
  await goesOn(hierarchy);
  // It has replicated the update, and runs what was before it.
  assert.ok((await kept(hierarchy, top)).has(guids.update));
  assert.equal((await kept(hierarchy, top, { revoked: 'PR1' })).has(guids.update), false);
});

test('what a site below runs is compared by its version: one set up from a medium lacks nothing older', async (t) => {
  const hierarchy = await withDownload(t);
  const { top } = hierarchy;
  hierarchy.happen('CAS', guids.update, 'not-applicable', { reason: 'a test says so' });
  await goesOn(hierarchy);
  assert.ok((await kept(hierarchy, top)).has(guids.update), 'PR1 runs 1.0.0');
  await hierarchy.runs(hierarchy.site('PR1'), guids.other, '4.0.0', [guids.other]);
  await hierarchy.clock.advance(5_000);
  await hierarchy.settle();
  assert.equal((await kept(hierarchy, top)).has(guids.update), false);
});

test('what a site above has in hand is not kept here', async (t) => {
  const hierarchy = await withDownload(t);
  const pr1 = hierarchy.site('PR1');
  await pr1.documents.refresh(never());
  assert.ok(
    (await pr1.documents.view()).products.values().some(({ descriptors }) => descriptors.has(guids.update)),
  );
  assert.equal(
    pr1.database.read(({ updates }) => updates.projection(guids.update, hierarchy.top.identity.code))?.state,
    'DOWNLOAD_SUCCESS',
  );
  assert.deepEqual([...(await kept(hierarchy, pr1)).keys()], [guids.base]);
});

test('what a site below has in hand is kept, and is not taken for something that was ever held here', async (t) => {
  const hierarchy = await withDownload(t);
  const { top } = hierarchy;
  await hierarchy.vendor.add(guids.other, '4.0.0.1');
  hierarchy.vendor.sign();
  await top.documents.refresh(never());
  const pr1 = hierarchy.site('PR1');
  const ordered = {
    guid: guids.other,
    site: pr1.identity.code,
    attempt: 1,
    sequence: 1,
    event: 'ordered',
  } as const;
  pr1.database.write(({ updates }) => {
    updates.append({ ...ordered, at: hierarchy.clock.now(), data: {} });
  });
  await hierarchy.settle();
  const packages = await kept(hierarchy, top);
  assert.deepEqual([packages.get(guids.update), packages.get(guids.other)], [true, false]);
});

test('while the descriptor of a kept package is missing nobody knows what must stay; any other does not matter', async (t) => {
  const hierarchy = await withDownload(t);
  const { top, vendor } = hierarchy;
  const ports = rootPorts(top, hierarchy.roster);
  const descriptorOf = (guid: PackageGuid) => vendor.entries.get(guid)?.descriptor ?? assert.fail();
  await vendor.add(guids.other, '4.0.0.1');
  vendor.content.withheld.add(descriptorOf(guids.other).sha256);
  vendor.sign();
  await top.documents.refresh(never());
  // The hierarchy manager fetches what is missing; it has tried by then, and tries again later.
  await hierarchy.settle();
  assert.ok((await collectionRoots(ports)).has(descriptorOf(guids.update).sha256));
  await top.blobs.remove(descriptorOf(guids.update).sha256);
  await assert.rejects(collectionRoots(ports), { code: 'NOT_HELD', message: /descriptor of package/ });
});

test('content that a medium brought is kept until its package is installed: nobody could fetch it again', async (t) => {
  const hierarchy = await withDownload(t);
  const { top, vendor } = hierarchy;
  const ports = rootPorts(top, hierarchy.roster);
  await vendor.add(guids.other, '4.0.0.1');
  vendor.sign();
  await top.documents.refresh(never());
  const known = packageOf(await top.documents.view(), guids.other)?.descriptor ?? assert.fail();
  const isKept = async (): Promise<boolean> => (await collectionRoots(ports)).has(known.content.tree.sha256);
  assert.equal(await isKept(), false);
  top.database.write(({ settings }) =>
    settings.put(connectionSettingName, { ...readConnection(settings), brought: [guids.other] }),
  );
  assert.equal(await isKept(), true);
});
