import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { UpdateEventName, UpdateState } from '@sallyport/core/domain/updates/event';
import { TestHierarchy } from './test-support/test-hierarchy.ts';
import { guids } from './test-support/test-vendor.ts';

const never = new AbortController().signal;
const checked = ['prerequisites-started', 'prerequisites-passed'] as const;

/** How a site gets into a state after an order has brought the content there. */
const afterOrder: readonly (readonly [UpdateState, readonly UpdateEventName[]])[] = [
  ['CONTENT_REPLICATION_SUCCESS', []],
  ['PREREQ_IN_PROGRESS', ['prerequisites-started']],
  ['PREREQ_SUCCESS', checked],
  ['PREREQ_WARNING', ['prerequisites-started', 'prerequisites-warned']],
  ['PREREQ_ERROR', ['prerequisites-started', 'prerequisites-failed']],
  ['INSTALL_WAITING_PARENT', [...checked, 'waiting-for-parent']],
  ['INSTALL_WAITING_SERVICE_WINDOW', [...checked, 'waiting-for-window']],
  ['INSTALL_FAILED', [...checked, 'install-started', 'install-failed']],
];

async function published(t: TestContext): Promise<TestHierarchy> {
  const hierarchy = await TestHierarchy.start(t, { children: { PR1: 'primary' } });
  await hierarchy.vendor.add(guids.update, '2.0.0');
  hierarchy.vendor.sign();
  return hierarchy;
}

async function ordered(t: TestContext, events: readonly UpdateEventName[]): Promise<TestHierarchy> {
  const hierarchy = await published(t);
  await hierarchy.top.operations.check();
  await hierarchy.settle();
  await hierarchy.top.operations.install({ id: '2.0.0', by: 'eve' });
  await hierarchy.settle();
  for (const code of ['CAS', 'PR1']) {
    for (const event of events) hierarchy.happen(code, guids.update, event, { results: [] });
  }
  return hierarchy;
}

/** The vendor withdraws the package, everybody hears of it, and time passes. */
async function withdraw(hierarchy: TestHierarchy): Promise<void> {
  const entry = hierarchy.vendor.entries.get(guids.update);
  assert.ok(entry);
  const withdrawn = { at: '2026-01-11', reason: 'it eats files' };
  hierarchy.vendor.entries.set(guids.update, { ...entry, withdrawn });
  hierarchy.vendor.sign();
  await hierarchy.top.operations.check();
  await hierarchy.site('PR1').documents.refresh(never);
  for (let round = 0; round < 3; round += 1) {
    await hierarchy.settle();
    await hierarchy.clock.advance(60_000);
  }
}

async function isNotFetched(hierarchy: TestHierarchy): Promise<void> {
  await hierarchy.settle();
  const { opened } = hierarchy.vendor.content;
  const before = opened.length;
  await hierarchy.clock.advance(7_200_000);
  await hierarchy.settle();
  assert.equal(opened.length, before, 'nothing is fetched any more');
  assert.equal(hierarchy.state('CAS', guids.update), 'APPLICABILITY_HIDE');
}

async function isRefusedAnew(hierarchy: TestHierarchy): Promise<void> {
  for (const ask of ['install', 'checkPrerequisites', 'download', 'retry'] as const) {
    await assert.rejects(hierarchy.top.operations[ask]({ id: guids.update, by: 'eve' }), `${ask} is refused`);
  }
  const { verdict, reasons } = await hierarchy.top.operations.why({ id: guids.update });
  assert.equal(verdict, 'not-available');
  assert.match(reasons.map(({ sentence }) => sentence).join(' '), /it eats files/);
}

describe('a package that the vendor withdraws', () => {
  it('is never downloaded when it was not chosen yet', async (t) => {
    const hierarchy = await published(t);
    await withdraw(hierarchy);
    assert.equal(hierarchy.state('CAS', guids.update), 'APPLICABILITY_HIDE');
    await isRefusedAnew(hierarchy);
  });

  it('stops downloading', async (t) => {
    const hierarchy = await published(t);
    const released = Promise.withResolvers<void>();
    hierarchy.vendor.content.onTheWay = async function* stalled(blob, _, chunks) {
      if (blob.sha256 !== hierarchy.vendor.entries.get(guids.update)?.descriptor.sha256)
        await released.promise;
      yield* chunks;
    };
    await hierarchy.top.operations.check();
    await hierarchy.settle();
    assert.equal(hierarchy.state('CAS', guids.update), 'DOWNLOAD_IN_PROGRESS');
    await withdraw(hierarchy);
    assert.equal(hierarchy.state('CAS', guids.update), 'APPLICABILITY_HIDE');
    released.resolve();
    await isNotFetched(hierarchy);
  });

  it('is not tried again where its download has failed', async (t) => {
    const hierarchy = await published(t);
    const descriptor = hierarchy.vendor.entries.get(guids.update)?.descriptor.sha256;
    for await (const { sha256 } of hierarchy.vendor.blobs.list()) {
      if (sha256 !== descriptor) hierarchy.vendor.content.withheld.add(sha256);
    }
    await hierarchy.top.operations.check();
    await hierarchy.settle();
    assert.equal(hierarchy.state('CAS', guids.update), 'DOWNLOAD_FAILED');
    await withdraw(hierarchy);
    hierarchy.vendor.content.withheld.clear();
    assert.equal(hierarchy.state('CAS', guids.update), 'APPLICABILITY_HIDE');
    await isNotFetched(hierarchy);
  });

  it('is not ordered any more when it lies downloaded', async (t) => {
    const hierarchy = await published(t);
    await hierarchy.top.operations.check();
    await hierarchy.settle();
    assert.equal(hierarchy.state('CAS', guids.update), 'DOWNLOAD_SUCCESS');
    await withdraw(hierarchy);
    assert.equal(hierarchy.state('CAS', guids.update), 'APPLICABILITY_HIDE');
    await isRefusedAnew(hierarchy);
  });

  for (const [state, events] of afterOrder) {
    it(`is hidden at every site that is in ${state}`, async (t) => {
      const hierarchy = await ordered(t, events);
      assert.deepEqual(
        [hierarchy.state('CAS', guids.update), hierarchy.state('PR1', guids.update)],
        [state, state],
      );
      await withdraw(hierarchy);
      assert.deepEqual(
        [hierarchy.state('CAS', guids.update), hierarchy.state('PR1', guids.update)],
        ['APPLICABILITY_HIDE', 'APPLICABILITY_HIDE'],
      );
      assert.match(hierarchy.projection('PR1', guids.update)?.reason ?? '', /it eats files/);
      await isRefusedAnew(hierarchy);
    });
  }

  it('is left to the installer where it is being installed: the gate is closed, with the reason', async (t) => {
    const hierarchy = await ordered(t, [...checked, 'install-started']);
    await withdraw(hierarchy);
    for (const code of ['CAS', 'PR1']) {
      assert.equal(hierarchy.state(code, guids.update), 'INSTALL_IN_PROGRESS');
      const answer = await hierarchy.site(code).gate.gate(guids.update, never);
      assert.equal(answer.go, false);
      assert.match(answer.go ? '' : answer.reason, /withdrew the package on 2026-01-11: it eats files/);
    }
  });

  it('stays where it is installed, at every site', async (t) => {
    const hierarchy = await ordered(t, []);
    await hierarchy.installs('CAS', guids.update);
    await hierarchy.installs('PR1', guids.update);
    await withdraw(hierarchy);
    for (const code of ['CAS', 'PR1']) {
      assert.equal(hierarchy.state(code, guids.update), 'INSTALL_SUCCESS');
    }
    assert.equal((await hierarchy.top.operations.why({ id: guids.update })).verdict, 'installed');
  });
});
