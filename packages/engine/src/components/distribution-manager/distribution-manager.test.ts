import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { ContentError } from '@sallyport/core/domain/content/content-error';
import { MemoryCompute } from '../../compute/memory-compute.ts';
import { PackageFetcher } from '../content/package-fetcher.ts';
import { TestHierarchy } from '../hierarchy-manager/test-support/test-hierarchy.ts';
import { guids } from '../hierarchy-manager/test-support/test-vendor.ts';
import { fixedRandom } from '../work/test-support/fixed-ports.ts';
import { collectionRoots } from './collection-roots.ts';
import type { ContentStatus } from './content-status.ts';
import { DistributionManager } from './distribution-manager.ts';
import { rootPorts } from './test-support/cared-library.ts';

async function ready(t: TestContext): Promise<TestHierarchy> {
  const hierarchy = await TestHierarchy.start(t, { children: { PR1: 'primary' } });
  await hierarchy.vendor.add(guids.update, '2.0.0');
  hierarchy.vendor.sign();
  await hierarchy.top.operations.check();
  await hierarchy.clock.advance(60_000);
  await hierarchy.settle();
  return hierarchy;
}

test('a child fetches from its parent what it lacks, and tells how many bytes travelled', async (t) => {
  const hierarchy = await ready(t);
  await hierarchy.top.operations.checkPrerequisites({ id: '2.0.0', by: 'eve' });
  await hierarchy.settle();
  const child = hierarchy.projection('PR1', guids.update);
  assert.equal(child?.state, 'CONTENT_REPLICATION_SUCCESS');
  assert.ok(Number(child?.data['receivedBytes']) > 5_000);
  assert.equal(child?.data['totalBytes'], 5_005);
  const top = hierarchy.projection('CAS', guids.update);
  assert.equal(top?.data['receivedBytes'], 0, 'the download brought everything');
});

test('only what is missing travels: a second order costs nothing', async (t) => {
  const hierarchy = await ready(t);
  await hierarchy.top.operations.checkPrerequisites({ id: '2.0.0', by: 'eve' });
  await hierarchy.settle();
  await hierarchy.top.operations.cancel({ id: '2.0.0', by: 'eve' });
  await hierarchy.settle();
  const asked = hierarchy.site('PR1').content.opened.length;
  await hierarchy.top.operations.install({ id: '2.0.0', by: 'eve' });
  await hierarchy.settle();
  assert.equal(hierarchy.projection('PR1', guids.update)?.data['receivedBytes'], 0);
  assert.equal(hierarchy.site('PR1').content.opened.length, asked);
  const { packages } = await hierarchy.top.operations.status({ id: '2.0.0' });
  const shown = packages[0]?.sites.find(({ site }) => site === 'PR1');
  assert.ok((shown?.receivedBytes ?? 0) > 5_000, 'what travelled for the package is still known');
});

test('a parent out of reach is a visible failure with its next try, which comes by itself', async (t) => {
  const hierarchy = await ready(t);
  const { content } = hierarchy.site('PR1');
  content.onOffers = () => {
    throw new ContentError('UNREACHABLE', 'site CAS does not answer');
  };
  await hierarchy.top.operations.checkPrerequisites({ id: '2.0.0', by: 'eve' });
  await hierarchy.settle();
  const failed = hierarchy.projection('PR1', guids.update);
  assert.deepEqual([failed?.state, failed?.data['code']], ['CONTENT_REPLICATION_FAILED', 'UNREACHABLE']);
  const nextAt = failed?.nextAt ?? 0;
  assert.ok(nextAt > hierarchy.clock.now());
  const shown = (await hierarchy.top.operations.status({ id: '2.0.0' })).packages[0]?.sites.find(
    ({ site }) => site === 'PR1',
  );
  assert.deepEqual([shown?.reason, shown?.nextAt], ['site CAS does not answer', nextAt]);
  await hierarchy.clock.advance(nextAt - hierarchy.clock.now());
  assert.equal(hierarchy.projection('PR1', guids.update)?.data['failures'], 2);
  assert.ok(
    (hierarchy.projection('PR1', guids.update)?.nextAt ?? 0) - hierarchy.clock.now() >
      nextAt - (failed?.since ?? 0) - 1,
    'the delays grow',
  );
  content.onOffers = () => undefined;
  await hierarchy.clock.advance(900_000);
  await hierarchy.settle();
  assert.equal(hierarchy.state('PR1', guids.update), 'CONTENT_REPLICATION_SUCCESS');
});

test('a transfer that is interrupted says why nothing comes, here and above, until something comes again', async (t) => {
  const hierarchy = await ready(t);
  const pr1 = hierarchy.site('PR1');
  await pr1.distribution.stop();
  const { clock } = hierarchy;
  const compute = new MemoryCompute(pr1.blobs);
  const distribution = new DistributionManager({
    ...pr1,
    site: pr1.identity,
    clock,
    random: fixedRandom(0),
    fetcher: new PackageFetcher({ ...pr1, compute, clock, random: fixedRandom(0) }),
  });
  await distribution.start(new AbortController().signal);
  t.after(() => distribution.stop());
  const { content } = pr1;
  const told: (string | undefined)[] = [];
  distribution.onProgress(() => {
    const record = pr1.database.read(({ records }) =>
      records.get(pr1.identity.code, 'site-status', 'content'),
    );
    told.push((record?.body as ContentStatus | undefined)?.transfers[0]?.interrupted);
  });
  let asked = 0;
  content.onTheWay = (blob, _, chunks) => {
    if (blob.sizeBytes <= 2_000) return chunks;
    asked += 1;
    if (asked < 3) throw new ContentError('UNREACHABLE', 'site CAS does not answer');
    return chunks;
  };
  await hierarchy.top.operations.checkPrerequisites({ id: '2.0.0', by: 'eve' });
  await hierarchy.settle();
  await clock.advance(1_000);
  await hierarchy.settle();
  assert.match(
    told.find((reason) => reason !== undefined) ?? '',
    /Nothing comes at present, and it is tried again at .*Z: .*does not answer/,
  );
  assert.equal(told.at(-1), undefined);
  const shown = async () => {
    const { packages } = await hierarchy.top.operations.status({ id: '2.0.0' });
    return packages[0]?.sites.find(({ site }) => site === 'PR1');
  };
  assert.equal((await shown())?.state, 'CONTENT_REPLICATION_SUCCESS');
  const moved = { guid: guids.update, doneBytes: 0, totalBytes: 5_005, receivedBytes: 0 };
  const body: ContentStatus = { schema: 1, transfers: [{ ...moved, interrupted: 'Nothing comes.' }] };
  pr1.database.write(({ records }) => records.putOwn('site-status', 'content', body, clock.now()));
  await hierarchy.settle();
  assert.equal((await shown())?.reason, 'Nothing comes.');
});

test('progress of a child is seen at the top while it fetches, and a cancel ends the fetch', async (t) => {
  const hierarchy = await ready(t);
  const pr1 = hierarchy.site('PR1');
  const cut = Promise.withResolvers<void>();
  t.after(() => cut.resolve());
  pr1.content.onTheWay = (blob, offset, chunks) =>
    blob.sizeBytes <= 2_000
      ? chunks
      : {
          startsAt: offset,
          chunks: (async function* () {
            yield new Uint8Array(1_000);
            await cut.promise;
          })(),
        };
  await hierarchy.top.operations.checkPrerequisites({ id: '2.0.0', by: 'eve' });
  await hierarchy.settle();
  assert.equal(hierarchy.state('PR1', guids.update), 'CONTENT_REPLICATING');
  const shown = (await hierarchy.top.operations.status({ id: '2.0.0' })).packages[0]?.sites.find(
    ({ site }) => site === 'PR1',
  );
  assert.equal(shown?.transfer?.totalBytes, 5_005);
  await hierarchy.top.operations.cancel({ id: '2.0.0', by: 'eve' });
  await hierarchy.settle();
  cut.resolve();
  await hierarchy.settle();
  assert.equal(hierarchy.state('PR1', guids.update), 'UNKNOWN');
  const status = pr1.database.read(({ records }) => records.get(pr1.identity.code, 'site-status', 'content'))
    ?.body as ContentStatus | undefined;
  assert.deepEqual(status?.transfers, []);
});

test('an order that arrives while the library is looked after goes first', async (t) => {
  const hierarchy = await ready(t);
  const pr1 = hierarchy.site('PR1');
  await pr1.distribution.stop();
  const clock = hierarchy.clock;
  const ended: string[] = [];
  const distribution = new DistributionManager({
    ...pr1,
    site: pr1.identity,
    clock,
    random: fixedRandom(0),
    fetcher: new PackageFetcher({
      ...pr1,
      compute: new MemoryCompute(pr1.blobs),
      clock,
      random: fixedRandom(0),
    }),
    care: {
      pass: async (signal) => {
        if (hierarchy.state('PR1', guids.update) === 'CONTENT_REPLICATION_SUCCESS')
          return { state: 'waiting', reason: 'the library is well' };
        // It fetches something over a slow line, and only its signal ends it.
        const { promise, reject } = Promise.withResolvers<never>();
        signal.addEventListener('abort', () => {
          ended.push(String(signal.reason));
          reject(signal.reason);
        });
        return promise;
      },
    },
  });
  await distribution.start(new AbortController().signal);
  t.after(() => distribution.stop());
  await hierarchy.settle();
  assert.deepEqual(ended, []);
  await hierarchy.top.operations.checkPrerequisites({ id: '2.0.0', by: 'eve' });
  await hierarchy.settle();
  assert.equal(hierarchy.state('PR1', guids.update), 'CONTENT_REPLICATION_SUCCESS');
  assert.match(ended.join(), /not wanted any more/);
  assert.match(distribution.query().reason, /the library is well/);
});

test('collection keeps documents, what is in hand, and what a site below still lacks', async (t) => {
  const hierarchy = await ready(t);
  const { top } = hierarchy;
  const tree = hierarchy.vendor.descriptors.get(guids.update)?.content.tree.sha256;
  const descriptor = hierarchy.vendor.entries.get(guids.update)?.descriptor.sha256;
  assert.ok(tree !== undefined && descriptor !== undefined);
  assert.ok((await collectionRoots(rootPorts(top, hierarchy.roster))).has(tree), 'downloaded');
  await top.operations.install({ id: '2.0.0', by: 'eve' });
  await hierarchy.settle();
  await hierarchy.installs('CAS', guids.update);
  await hierarchy.runs(top, guids.other, '4.0.0', [guids.base, guids.update, guids.hotfix, guids.other]);
  assert.ok((await collectionRoots(rootPorts(top, hierarchy.roster))).has(tree), 'PR1 lacks it');
  await hierarchy.installs('PR1', guids.update);
  await hierarchy.clock.advance(5_000);
  await hierarchy.settle();
  await hierarchy.runs(hierarchy.site('PR1'), guids.other, '4.0.0', [
    guids.base,
    guids.update,
    guids.hotfix,
    guids.other,
  ]);
  await hierarchy.clock.advance(5_000);
  await hierarchy.settle();
  const roots = await collectionRoots(rootPorts(top, hierarchy.roster));
  assert.ok(!roots.has(tree), 'two releases ago, everywhere');
  assert.ok(roots.has(descriptor));
});
