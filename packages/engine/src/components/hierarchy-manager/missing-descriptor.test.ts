import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { BlobRef } from '@sallyport/core/domain/content/tree';
import { minutes } from '@sallyport/core/shared/units';
import type { Digest, PackageGuid } from '@sallyport/core/shared/ids';
import { collectGarbage } from '../content/collection.ts';
import { TestHierarchy } from './test-support/test-hierarchy.ts';
import { guidOf, guids, product } from './test-support/test-vendor.ts';

const never = new AbortController().signal;

async function withUpdate(t: TestContext) {
  const hierarchy = await TestHierarchy.start(t);
  const { top, vendor } = hierarchy;
  await vendor.add(guids.update, '2.0.0');
  vendor.sign();
  await top.operations.check();
  await hierarchy.settle();
  const descriptorOf = (guid: PackageGuid): Digest =>
    vendor.entries.get(guid)?.descriptor.sha256 ?? assert.fail();
  return { hierarchy, top, vendor, descriptorOf };
}

test('what a refresh under way has brought is not taken for garbage', async (t) => {
  const { top, vendor, descriptorOf } = await withUpdate(t);
  await vendor.add(guids.hotfix, '2.0.1');
  await vendor.add(guids.other, '3.0.0');
  vendor.sign();
  // Held up twice: when the catalogue has come and nothing names it yet, and when one of its descriptors has come.
  const steps = { rollout: Promise.withResolvers<void>(), descriptor: Promise.withResolvers<void>() };
  t.after(() => Object.values(steps).forEach(({ resolve }) => resolve()));
  const target = vendor.repository.target.bind(vendor.repository);
  vendor.repository.target = async (path) => {
    if (path.includes('rollout')) await steps.rollout.promise;
    return target(path);
  };
  vendor.content.onTheWay = ({ sha256 }, _, chunks) =>
    (async function* () {
      if (sha256 === descriptorOf(guids.other)) await steps.descriptor.promise;
      yield* chunks;
    })();
  await top.documents.view();
  const count = async (): Promise<number> => (await Array.fromAsync(top.blobs.list())).length;
  const before = await count();
  const refreshing = top.documents.refresh(never);
  while ((await count()) === before) await setImmediate();
  const collections: Promise<unknown>[] = [];
  const collect = async (): Promise<void> => {
    collections.push(collectGarbage({ blobs: top.blobs, roots: () => top.documents.roots() }, never));
    for (let turn = 0; turn < 50; turn += 1) await setImmediate();
  };
  await collect();
  steps.rollout.resolve();
  while (!(await top.blobs.has(descriptorOf(guids.hotfix)))) await setImmediate();
  await collect();
  steps.descriptor.resolve();
  await Promise.all([refreshing, ...collections]);
  assert.deepEqual((await top.documents.view()).damaged, []);
  assert.ok(await top.blobs.has(descriptorOf(guids.hotfix)));
  const { targets } = top.database.read(({ settings }) => settings.get('trusted')) as {
    readonly targets: Readonly<Record<string, BlobRef>>;
  };
  for (const { sha256 } of Object.values(targets)) assert.ok(await top.blobs.has(sha256));
});

test('a catalogued descriptor that is not held is a damage, which is mended without an exchange', async (t) => {
  const { hierarchy, top, descriptorOf } = await withUpdate(t);
  await hierarchy.clock.advance(minutes(2));
  await top.blobs.remove(descriptorOf(guids.update));
  assert.deepEqual(
    (await top.documents.view()).damaged.map(({ what, code }) => [what, code]),
    [[guids.update, 'NOT_HELD']],
  );
  await top.manager.evaluate();
  const view = await top.documents.view();
  assert.deepEqual(view.damaged, []);
  assert.equal(view.products.get(product)?.descriptors.size, 2);
});

test('a descriptor that nobody has is asked for less and less often, and says nothing of other packages', async (t) => {
  const { hierarchy, top, vendor, descriptorOf } = await withUpdate(t);
  vendor.content.withheld.add(descriptorOf(guids.update));
  await hierarchy.clock.advance(minutes(2));
  await top.blobs.remove(descriptorOf(guids.update));
  const before = vendor.content.opened.length;
  for (let minute = 0; minute < 20; minute += 1) await hierarchy.clock.advance(minutes(1));
  const asked = vendor.content.opened.length - before;
  // After 0, 1, 3, 7 and 15 minutes.
  assert.ok(asked >= 3 && asked <= 6, `asked ${asked} times`);
  assert.ok((await top.documents.roots()).has(descriptorOf(guids.base)));
  const answer = await top.gate.gate(guidOf(99), never);
  assert.deepEqual(answer, {
    go: false,
    reason: 'This site’s trusted catalogue does not name the package.',
  });
});
