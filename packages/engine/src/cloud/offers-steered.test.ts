import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { UsageReport } from '@sallyport/core/domain/usage/report';
import { packageGuid } from '@sallyport/core/shared/ids';
import { days } from '@sallyport/core/shared/units';
import { WorkerPool } from '../compute/worker-pool.ts';
import { nodeDigests } from '../compute/digest.ts';
import { readPublished } from './cloud-tools.ts';
import { hierarchyNamed } from './hierarchy-named.ts';
import { explainOffer } from './offer-explanation.ts';
import { publish } from './publisher.ts';
import { changeRollout, withdrawPackage } from './rollout-changes.ts';
import { never, product } from './test-support/cloud-fixture.ts';
import { type DeskFixture, newDesk, quiet } from './test-support/desk-fixture.ts';
import { reportedSite, type ReportingHierarchy } from './test-support/reporting-hierarchy.ts';
import { testGuid, writePackage } from './test-support/write-package.ts';
import { UsageKeeper } from './usage-keeper.ts';

const guid = packageGuid(testGuid(1));
const by = { at: 1, who: 'somebody' };

/** A desk of a vendor that has rolled a package out, and what its service does by itself. */
async function vendor(context: TestContext): Promise<{ desk: DeskFixture; keeper: UsageKeeper }> {
  const desk = await newDesk(context);
  const compute = new WorkerPool({ workers: 1 });
  context.after(() => compute.close());
  const definition = await writePackage(desk.cloud.folder, { guid, version: '2.0', files: { a: 'b' } });
  await publish({ ...desk.cloud.tools, compute }, [definition], { percentage: 100 }, never);
  return { desk, keeper: new UsageKeeper(desk.database.usage, desk.cloud.tools, quiet) };
}

function installs(succeeded: number, failed: number): Partial<UsageReport> {
  const state = failed > 0 ? 'INSTALL_FAILED' : 'INSTALL_SUCCESS';
  const row = { package: guid, product, version: '2.0', state, succeeded, failed };
  return { sites: [reportedSite('A', { 'updates.packages': [row] })] };
}

/** Hierarchies that each report one install; the first `failed` of them that it failed. */
async function reporting(desk: DeskFixture, count: number, failed: number): Promise<ReportingHierarchy[]> {
  const all: ReportingHierarchy[] = [];
  for (let index = 0; index < count; index += 1) {
    const hierarchy = await desk.enrolled();
    const outcome = index < failed ? installs(1, 1) : installs(1, 0);
    assert.equal((await desk.send(hierarchy.signed(hierarchy.next(outcome)))).receipts.length, 1);
    all.push(hierarchy);
  }
  return all;
}

async function stopOf(desk: DeskFixture): Promise<string | undefined> {
  const { contents } = await readPublished(desk.cloud.tools);
  return contents.rollouts.get(product)?.packages.find((entry) => entry.guid === guid)?.stopped?.reason;
}

test('a package of which too many installs fail is stopped, with the numbers as its reason', async (context) => {
  const { desk, keeper } = await vendor(context);
  await desk.database.usage.setStopLimit({ guid, percent: 25, ofAtLeast: 4 }, by);
  const [first] = await reporting(desk, 3, 2);
  await keeper.look();
  assert.equal(await stopOf(desk), undefined, 'too few have tried');
  await reporting(desk, 1, 0);
  await keeper.look();
  assert.match(
    (await stopOf(desk)) ?? '',
    /failed at 2 of 4 hierarchies that reported one \(50 %\).*limit of 25 %/,
  );
  const [entry] = await desk.database.usage.audit(1);
  assert.deepEqual(
    [entry?.act, entry?.who, entry?.package, entry?.details],
    ['stopped', 'cloud service', guid, '{"attempted":4,"failed":2}'],
  );
  const facts = first?.facts(1, {
    products: [
      { product, version: '1.0', installed: [], versions: [{ version: '1.0', type: 'central', sites: 1 }] },
    ],
  });
  assert.ok(first && facts);
  const { offers } = await desk.send(first.report(facts));
  assert.match(JSON.stringify(offers[0]?.packages), /failed at 2 of 4/);
});

test('a share that is reached but not passed stops nothing', async (context) => {
  const { desk, keeper } = await vendor(context);
  await desk.database.usage.setStopLimit({ guid, percent: 50, ofAtLeast: 2 }, by);
  await reporting(desk, 2, 1);
  await keeper.look();
  assert.equal(await stopOf(desk), undefined);
});

test('a stop is lifted by a person and does not come back by itself, until a limit is set anew', async (context) => {
  const { desk, keeper } = await vendor(context);
  const limit = { guid, percent: 0, ofAtLeast: 1 };
  await desk.database.usage.setStopLimit(limit, by);
  await reporting(desk, 1, 1);
  await keeper.look();
  assert.ok(await stopOf(desk));
  await changeRollout(desk.cloud.tools, { package: guid }, { release: true }, never);
  await reporting(desk, 1, 1);
  await keeper.look();
  assert.equal(await stopOf(desk), undefined);
  await desk.database.usage.setStopLimit(limit, by);
  await keeper.look();
  assert.ok(await stopOf(desk));
});

test('what somebody has stopped keeps its reason and spends the limit; what is withdrawn is left alone', async (context) => {
  const { desk, keeper } = await vendor(context);
  await desk.database.usage.setStopLimit({ guid, percent: 0, ofAtLeast: 1 }, by);
  await reporting(desk, 1, 1);
  await changeRollout(desk.cloud.tools, { package: guid }, { stop: 'by hand' }, never);
  await keeper.look();
  assert.equal(await stopOf(desk), 'by hand');
  assert.ok((await desk.database.usage.stopLimits())[0]?.trippedAt);
  await desk.database.usage.setStopLimit({ guid, percent: 0, ofAtLeast: 1 }, by);
  await withdrawPackage(desk.cloud.tools, { package: guid }, 'it bites', never);
  await keeper.look();
  assert.equal((await desk.database.usage.stopLimits())[0]?.trippedAt, undefined);
});

test('the service removes what is older than the retention once a day', async (context) => {
  const { desk, keeper } = await vendor(context);
  const [hierarchy] = await reporting(desk, 1, 0);
  assert.ok(hierarchy);
  const held = async () => (await desk.database.usage.reports(hierarchy.id)).length;
  await keeper.look();
  desk.cloud.clock.offsetMs += days(364);
  await keeper.look();
  assert.equal(await held(), 1);
  desk.cloud.clock.offsetMs += days(2);
  await keeper.look();
  assert.equal(await held(), 0);
});

test('a running keeper is woken by reports, and stops twice', async (context) => {
  const { desk } = await vendor(context);
  const asleep = Promise.withResolvers<void>();
  const clock = {
    now: () => desk.cloud.clock.now(),
    until: () => Promise.reject(new Error('unused')),
    sleep: (_: number, signal: AbortSignal) => {
      asleep.resolve();
      return new Promise<void>((_resolve, reject) => {
        const end = () => reject(new Error('woken'));
        if (signal.aborted) end();
        else signal.addEventListener('abort', end, { once: true });
      });
    },
  };
  const stopped = Promise.withResolvers<void>();
  const log = { ...quiet, error: () => stopped.resolve() };
  const keeper = new UsageKeeper(desk.database.usage, { ...desk.cloud.tools, clock }, log);
  await keeper.start();
  await asleep.promise;
  await desk.database.usage.setStopLimit({ guid, percent: 0, ofAtLeast: 1 }, by);
  await reporting(desk, 1, 1);
  keeper.wake();
  await stopped.promise;
  assert.ok(await stopOf(desk));
  await keeper.stop();
  await keeper.stop();
});

test('why a package is offered or not is explained on the newest facts, as offers are made', async (context) => {
  const { desk } = await vendor(context);
  const hierarchy = await desk.enrolled();
  const options = { now: desk.cloud.clock.now(), digestOf: nodeDigests.of };
  const explained = async () => explainOffer(desk.database, await desk.view.offered(), hierarchy.id, options);
  await assert.rejects(explained(), { code: 'NO_FACTS' });
  const on = (arch: string, sequence: number) =>
    hierarchy.report(
      hierarchy.facts(sequence, {
        platform: { os: 'linux', arch },
        products: [
          {
            product,
            version: '1.0',
            installed: [],
            versions: [{ version: '1.0', type: 'central', sites: 1 }],
          },
        ],
      }),
    );
  await desk.send(on('arm64', 1));
  assert.deepEqual(
    (await explained()).packages.map(({ offered }) => offered),
    [true],
  );
  const rule = { fact: 'platform.arch', is: 'arm64' };
  await changeRollout(desk.cloud.tools, { package: guid }, { hold: 'it crashes', holdWhere: rule }, never);
  const [held] = (await explained()).packages;
  assert.deepEqual([held?.offered, held?.reasons[0]?.code], [false, 'HELD']);
  assert.match(held?.reasons[0]?.sentence ?? '', /it crashes/);
  const { offers } = await desk.send(on('x64', 2));
  assert.deepEqual(offers[0]?.packages, [{ guid, offered: true }]);
  assert.equal((await explained()).facts.sequence, 2);
  await assert.rejects(changeRollout(desk.cloud.tools, { package: guid }, { holdWhere: rule }, never), {
    code: 'BAD_REQUEST',
  });
});

test('nothing is offered to a quarantined hierarchy, and it is told why', async (context) => {
  const { desk } = await vendor(context);
  const hierarchy = await desk.enrolled();
  const versions = [{ version: '1.0', type: 'central' as const, sites: 1 }];
  const on = (sequence: number) =>
    hierarchy.report(
      hierarchy.facts(sequence, { products: [{ product, version: '1.0', installed: [], versions }] }),
    );
  assert.deepEqual((await desk.send(on(1))).offers[0]?.packages, [{ guid, offered: true }]);
  const own = hierarchy.next();
  await desk.send(hierarchy.signed(own), hierarchy.signed({ ...own, fixedAt: '2026-11-24T01:00:00Z' }));
  const { offers, receipts } = await desk.send(on(2));
  assert.equal(receipts.length, 1, 'its facts are taken all the same');
  const [withheld] = offers[0]?.packages ?? [];
  assert.ok(withheld?.offered === false);
  assert.match(withheld.reason, /two different reports came as number 1 of epoch 1.*new identity/);
  const explained = await explainOffer(desk.database, await desk.view.offered(), hierarchy.id, {
    now: desk.cloud.clock.now(),
    digestOf: nodeDigests.of,
  });
  assert.deepEqual([explained.withheld, explained.packages[0]?.offered], [withheld.reason, false]);
  await desk.database.usage.release(hierarchy.id, by);
  assert.deepEqual((await desk.send(on(3))).offers[0]?.packages, [{ guid, offered: true }]);
});

test('a hierarchy is named by the beginning of its id, where that is enough', async (context) => {
  const { desk } = await vendor(context);
  const hierarchy = await desk.enrolled();
  const { usage } = desk.database;
  assert.equal((await hierarchyNamed(usage, hierarchy.id.slice(0, 8).toUpperCase())).id, hierarchy.id);
  await assert.rejects(hierarchyNamed(usage, 'zz'), { code: 'UNKNOWN_HIERARCHY' });
  await assert.rejects(hierarchyNamed(usage, ''), { code: 'UNKNOWN_HIERARCHY' });
  const many = Array.from({ length: 17 }, () => desk.enrolled());
  const all = [hierarchy, ...(await Promise.all(many))].map(({ id }) => id.slice(0, 1));
  const twice = all.find((letter, index) => all.indexOf(letter) !== index) ?? '';
  await assert.rejects(hierarchyNamed(usage, twice), { code: 'BAD_REQUEST' });
});
