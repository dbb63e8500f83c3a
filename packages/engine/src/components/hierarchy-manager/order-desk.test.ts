import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { BlobRef } from '@sallyport/core/domain/content/tree';
import { nodeKeys } from '../../compute/ed25519.ts';
import { readOrders } from './order-setting.ts';
import { TestHierarchy, type TestHierarchyOptions } from './test-support/test-hierarchy.ts';
import { guids } from './test-support/test-vendor.ts';

/** A CAS with a primary and a secondary below that; 2.0.0 is downloaded at the top. */
async function withUpdate(t: TestContext, options: TestHierarchyOptions = {}): Promise<TestHierarchy> {
  const hierarchy = await TestHierarchy.start(t, {
    children: { PR1: 'primary', SEC: 'secondary' },
    parents: { SEC: 'PR1' },
    ...options,
  });
  await hierarchy.vendor.add(guids.update, '2.0.0');
  await hierarchy.vendor.add(guids.other, '1.9.0');
  hierarchy.vendor.sign();
  await hierarchy.top.operations.check();
  // A child that could not be served yet asks its parent again after a minute.
  await hierarchy.clock.advance(60_000);
  await hierarchy.settle();
  return hierarchy;
}

function ordersOf(hierarchy: TestHierarchy, code: string) {
  return hierarchy.site(code).database.read(({ settings }) => readOrders(settings));
}

test('an order reaches the sites that it is for, each of which verifies and takes it up once', async (t) => {
  const hierarchy = await withUpdate(t);
  hierarchy.putOrder(hierarchy.order(1, guids.update));
  await hierarchy.settle();
  assert.equal(hierarchy.state('CAS', guids.update), 'CONTENT_REPLICATION_SUCCESS');
  assert.equal(hierarchy.state('PR1', guids.update), 'CONTENT_REPLICATION_SUCCESS');
  assert.equal(hierarchy.state('SEC', guids.update), undefined, 'primaries only');
  assert.equal(ordersOf(hierarchy, 'SEC').last, 1);
  const events = hierarchy
    .site('PR1')
    .database.read(({ updates }) =>
      updates.events({ guid: guids.update, site: hierarchy.site('PR1').identity.code }),
    );
  assert.deepEqual(
    events.map(({ event }) => event),
    ['ordered', 'replication-started', 'replication-succeeded'],
  );
  assert.deepEqual(events[0]?.data['order'], 1);
  // A server that starts again looks at every order that is there.
  await hierarchy.site('PR1').manager.stop();
  await hierarchy.site('PR1').manager.start(new AbortController().signal);
  await hierarchy.settle();
  assert.equal(hierarchy.projection('PR1', guids.update)?.attempt, 1);
});

test('an order that another key signed is refused with a visible reason, and the next one goes on', async (t) => {
  const hierarchy = await withUpdate(t);
  hierarchy.putOrder(hierarchy.order(1, guids.update), nodeKeys.open(nodeKeys.generate()));
  hierarchy.putOrder(hierarchy.order(2, guids.update));
  await hierarchy.settle();
  const { refused, last } = ordersOf(hierarchy, 'PR1');
  assert.deepEqual(
    refused.map(({ sequence, code }) => [sequence, code]),
    [[1, 'FORGED']],
  );
  assert.equal(last, 2);
  assert.equal(hierarchy.projection('PR1', guids.update)?.data['receivedBytes'] !== undefined, true);
  const [child] = (await hierarchy.top.operations.sites()).sites.filter(({ code }) => code === 'PR1');
  assert.equal(child?.refusedOrders[0]?.code, 'FORGED', 'it is visible at the top-tier site');
});

test('an order with a number that no order has is passed over, and does not shut out those that come after it', async (t) => {
  const hierarchy = await withUpdate(t);
  const forger = nodeKeys.open(nodeKeys.generate());
  hierarchy.putOrder(hierarchy.order(Number.MAX_SAFE_INTEGER, guids.update), forger);
  hierarchy.putOrder(hierarchy.order(2, guids.update));
  await hierarchy.settle();
  const { refused, last } = ordersOf(hierarchy, 'PR1');
  assert.deepEqual([refused, last], [[], 2]);
});

test('an order of another hierarchy is refused', async (t) => {
  const hierarchy = await withUpdate(t);
  const foreign = {
    ...hierarchy.order(1, guids.update),
    hierarchyId: 'f'.repeat(64) as ReturnType<typeof hierarchy.order>['hierarchyId'],
  };
  hierarchy.putOrder(foreign);
  await hierarchy.settle();
  assert.deepEqual(
    ordersOf(hierarchy, 'PR1').refused.map(({ code }) => code),
    ['FORGED'],
  );
  assert.equal(hierarchy.state('PR1', guids.update), undefined);
});

test('a replayed order is refused under a new number and ignored under its own', async (t) => {
  const hierarchy = await withUpdate(t);
  const order = hierarchy.order(1, guids.update, { action: 'check-prerequisites' });
  hierarchy.putOrder(order);
  await hierarchy.settle();
  hierarchy.happen('PR1', guids.update, 'cancelled');
  hierarchy.putOrder(order, hierarchy.operating, 2);
  // The same number with another text: a higher version of the record, as a parent gone bad would make it.
  hierarchy.putOrder({ ...order, attempt: 5 });
  await hierarchy.settle();
  const { refused, last } = ordersOf(hierarchy, 'PR1');
  assert.deepEqual(
    refused.map(({ sequence, code }) => [sequence, code]),
    [[2, 'REPLAYED']],
  );
  assert.equal(last, 2);
  assert.equal(hierarchy.projection('PR1', guids.update)?.attempt, 1);
  assert.ok(
    hierarchy.site('PR1').log.lines.some((line) => line.includes('Order 1 came again and is ignored')),
  );
});

test('an unknown package and another descriptor are refused after the metadata were asked for anew', async (t) => {
  const hierarchy = await withUpdate(t);
  const known = hierarchy.order(1, guids.update);
  hierarchy.putOrder({ ...known, guid: guids.hotfix });
  hierarchy.putOrder({
    ...known,
    sequence: 2,
    descriptor: {
      ...known.descriptor,
      sizeBytes: 1,
      sha256: 'a'.repeat(64) as (typeof known)['descriptor']['sha256'],
    },
  });
  await hierarchy.settle();
  assert.deepEqual(
    ordersOf(hierarchy, 'PR1').refused.map(({ code }) => code),
    ['UNKNOWN_PACKAGE', 'OTHER_DESCRIPTOR'],
  );
  assert.equal(hierarchy.state('PR1', guids.update), undefined);
});

test('a child learns of a package that it does not know from its parent before it takes the order', async (t) => {
  const hierarchy = await withUpdate(t);
  await hierarchy.vendor.add(guids.hotfix, '3.0.0');
  hierarchy.vendor.sign();
  await hierarchy.top.operations.check();
  await hierarchy.settle();
  hierarchy.putOrder(hierarchy.order(1, guids.hotfix));
  await hierarchy.settle();
  assert.equal(hierarchy.state('PR1', guids.hotfix), 'CONTENT_REPLICATION_SUCCESS');
});

test('an order waits when the parent dies while the catalogue that names its package is fetched', async (t) => {
  const hierarchy = await withUpdate(t);
  const { top, vendor } = hierarchy;
  await vendor.add(guids.hotfix, '3.0.0');
  vendor.sign();
  await top.operations.check();
  await hierarchy.settle();
  const { targets } = top.database.read(({ settings }) => settings.get('trusted')) as {
    readonly targets: Readonly<Record<string, BlobRef>>;
  };
  const read = top.blobs.read.bind(top.blobs);
  top.blobs.read = (sha256, ...range) => {
    if (sha256 === targets['catalog/tool.json']?.sha256) throw new Error('the other side closed');
    return read(sha256, ...range);
  };
  hierarchy.putOrder(hierarchy.order(1, guids.hotfix));
  await hierarchy.settle();
  const { refused, deferred } = ordersOf(hierarchy, 'PR1');
  assert.deepEqual([refused, deferred], [[], [1]]);
  assert.match(hierarchy.site('PR1').manager.query().reason, /order 1 waits: the other side closed/);
  top.blobs.read = read;
  await hierarchy.clock.advance(10_000);
  await hierarchy.settle();
  assert.equal(hierarchy.state('PR1', guids.hotfix), 'CONTENT_REPLICATION_SUCCESS');
});

test('an order waits, visibly, while its metadata cannot be believed, and a cancel overtakes it', async (t) => {
  const hierarchy = await withUpdate(t);
  await hierarchy.clock.jump(31 * 86_400_000);
  hierarchy.putOrder(hierarchy.order(1, guids.update));
  await hierarchy.settle();
  assert.deepEqual(ordersOf(hierarchy, 'PR1').deferred, [1]);
  assert.match(ordersOf(hierarchy, 'PR1').waits?.[0]?.reason ?? '', /expired/);
  assert.match(hierarchy.site('PR1').manager.query().reason, /order 1 waits: .*expired/);
  assert.ok(hierarchy.site('PR1').manager.query().nextAt !== undefined);
  hierarchy.putOrder(hierarchy.order(2, guids.update, { action: 'cancel' }));
  await hierarchy.settle();
  assert.deepEqual(ordersOf(hierarchy, 'PR1'), { schema: 1, last: 2, deferred: [], refused: [] });
  assert.equal(hierarchy.state('PR1', guids.update), undefined);
});

test('an order that waits because the clock is years ahead is taken up when it is right again', async (t) => {
  const hierarchy = await withUpdate(t);
  const rightNow = hierarchy.clock.now();
  await hierarchy.clock.jump(900 * 86_400_000);
  hierarchy.putOrder(hierarchy.order(1, guids.update));
  await hierarchy.settle();
  assert.match(hierarchy.site('PR1').manager.query().reason, /order 1 waits: .*expired/);
  hierarchy.clock.set(rightNow);
  await hierarchy.clock.advance(60_000);
  await hierarchy.settle();
  assert.equal(hierarchy.state('PR1', guids.update), 'CONTENT_REPLICATION_SUCCESS');
});

test('an order waits while another package is under way at the site, and is taken up after it', async (t) => {
  const hierarchy = await withUpdate(t);
  await hierarchy.top.operations.download({ id: '1.9.0', by: 'eve' });
  await hierarchy.settle();
  hierarchy.putOrder(hierarchy.order(1, guids.other));
  hierarchy.putOrder(hierarchy.order(2, guids.update));
  await hierarchy.settle();
  assert.equal(hierarchy.state('PR1', guids.update), undefined);
  assert.match(hierarchy.site('PR1').manager.query().reason, /order 2 waits: package .* is under way here/);
  const { packages } = await hierarchy.top.operations.status({ id: guids.update });
  assert.match(
    packages[0]?.sites.find(({ site }) => site === 'PR1')?.reason ?? '',
    /^Order 2 waits at site PR1, which says: package .* is under way here \(/,
    'the top-tier site sees why',
  );
  await hierarchy.installs('PR1', guids.other);
  assert.equal(hierarchy.state('PR1', guids.update), 'CONTENT_REPLICATION_SUCCESS');
});

test('orders of long ago ask nothing of a site that has what they were for', async (t) => {
  const hierarchy = await withUpdate(t);
  await hierarchy.runs(hierarchy.site('PR1'), guids.update, '2.0.0', [guids.base, guids.update]);
  hierarchy.putOrder(hierarchy.order(1, guids.other));
  hierarchy.putOrder(hierarchy.order(2, guids.update));
  await hierarchy.settle();
  assert.equal(hierarchy.state('PR1', guids.other), undefined, 'older than what is installed');
  assert.equal(hierarchy.state('PR1', guids.update), undefined, 'installed');
  assert.deepEqual(ordersOf(hierarchy, 'PR1'), { schema: 1, last: 2, deferred: [], refused: [] });
});

test('an order below a child of the top-tier site waits for metadata that travel slower than it', async (t) => {
  const hierarchy = await withUpdate(t);
  await hierarchy.vendor.add(guids.hotfix, '3.0.0');
  hierarchy.vendor.sign();
  await hierarchy.top.operations.check();
  await hierarchy.settle();
  hierarchy.putOrder(hierarchy.order(1, guids.hotfix, { sites: [hierarchy.site('SEC').identity.code] }));
  await hierarchy.settle();
  assert.deepEqual(ordersOf(hierarchy, 'SEC').deferred, [1]);
  assert.deepEqual(ordersOf(hierarchy, 'SEC').refused, []);
  await hierarchy.site('PR1').documents.refresh(new AbortController().signal);
  await hierarchy.clock.advance(5_000);
  await hierarchy.settle();
  assert.deepEqual(ordersOf(hierarchy, 'SEC').deferred, []);
  assert.notEqual(hierarchy.state('SEC', guids.hotfix), undefined);
});

test('a cancel takes back what has not begun to switch, also an install under way', async (t) => {
  const hierarchy = await withUpdate(t);
  hierarchy.putOrder(hierarchy.order(1, guids.update));
  await hierarchy.settle();
  for (const event of ['prerequisites-started', 'prerequisites-passed', 'install-started'] as const)
    hierarchy.happen('CAS', guids.update, event);
  hierarchy.putOrder(hierarchy.order(2, guids.update, { action: 'cancel' }));
  await hierarchy.settle();
  assert.equal(hierarchy.state('CAS', guids.update), 'DOWNLOAD_SUCCESS');
  assert.equal(hierarchy.state('PR1', guids.update), 'DOWNLOAD_SUCCESS', 'the content stays');
  assert.match(hierarchy.projection('PR1', guids.update)?.reason ?? '', /Cancelled by a test \(order 2\)/);
});
