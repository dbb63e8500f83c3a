import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { UpdateEventName, UpdateState } from '@sallyport/core/domain/updates/event';
import { siteCode } from '@sallyport/core/shared/ids';
import type { LibrarySource } from '../../../test-support/library-source.ts';
import { TestHierarchy, type TestHierarchyOptions } from './test-support/test-hierarchy.ts';
import { guids } from './test-support/test-vendor.ts';

const never = new AbortController().signal;
const checked = ['prerequisites-started', 'prerequisites-passed'] as const;
const withdrawn = /withdrew it on 2026-01-11: it eats files/;
const primary: TestHierarchyOptions = { children: { PR1: 'primary' } };

/** Every state there is. The last test sees that the others withdraw a package in each of them. */
const states: Readonly<Record<UpdateState, 'tried' | { readonly notTried: string }>> = {
  UNKNOWN: 'tried',
  ENABLED: 'tried',
  APPLICABILITY_CHECKING: { notTried: 'selection judges in one go: no site is ever seen in it' },
  APPLICABILITY_SUCCESS: 'tried',
  APPLICABILITY_HIDE: 'tried',
  APPLICABILITY_NA: 'tried',
  APPLICABILITY_FAILED: 'tried',
  DOWNLOAD_IN_PROGRESS: 'tried',
  DOWNLOAD_SUCCESS: 'tried',
  DOWNLOAD_FAILED: 'tried',
  CONTENT_REPLICATING: 'tried',
  CONTENT_REPLICATION_SUCCESS: 'tried',
  CONTENT_REPLICATION_FAILED: 'tried',
  PREREQ_IN_PROGRESS: 'tried',
  PREREQ_SUCCESS: 'tried',
  PREREQ_WARNING: 'tried',
  PREREQ_ERROR: 'tried',
  INSTALL_IN_PROGRESS: 'tried',
  INSTALL_WAITING_SERVICE_WINDOW: 'tried',
  INSTALL_WAITING_PARENT: 'tried',
  INSTALL_SUCCESS: 'tried',
  INSTALL_FAILED: 'tried',
};

/** The states that a site was in when the package was withdrawn, of all tests so far. */
const tried = new Set<UpdateState>();

type Prepare = (hierarchy: TestHierarchy) => Promise<unknown>;

/** What brings the package into a state at the top-tier site, where nobody has ordered it. */
const beforeOrder: readonly (readonly [UpdateState, Prepare])[] = [
  ['UNKNOWN', async () => undefined],
  [
    'APPLICABILITY_SUCCESS',
    async (hierarchy) => {
      stall(hierarchy, hierarchy.vendor.content);
      await heardOf(hierarchy);
      await hierarchy.top.operations.cancel({ id: guids.update, by: 'eve' });
    },
  ],
  [
    'APPLICABILITY_HIDE',
    async (hierarchy) => {
      await hierarchy.vendor.add(guids.update, '0.9.0');
      hierarchy.vendor.sign();
      await heardOf(hierarchy);
    },
  ],
  [
    'APPLICABILITY_NA',
    async (hierarchy) => {
      hierarchy.vendor.rollout.set(guids.update, { guid: guids.update, percentage: 0, seed: 'seed' });
      hierarchy.vendor.sign();
      await heardOf(hierarchy);
    },
  ],
  [
    'APPLICABILITY_FAILED',
    async (hierarchy) => {
      const { blobs, entries } = hierarchy.vendor;
      blobs.files.delete(blobs.pathOf((entries.get(guids.update) ?? assert.fail()).descriptor.sha256));
      await heardOf(hierarchy);
    },
  ],
  [
    'DOWNLOAD_IN_PROGRESS',
    async (hierarchy) => {
      stall(hierarchy, hierarchy.vendor.content);
      await heardOf(hierarchy);
    },
  ],
  [
    'DOWNLOAD_FAILED',
    async (hierarchy) => {
      await withhold(hierarchy, hierarchy.vendor.content);
      await heardOf(hierarchy);
    },
  ],
  ['DOWNLOAD_SUCCESS', heardOf],
];

/** What brings a child into a state before the content has come to it. */
const onTheWay: readonly (readonly [UpdateState, Prepare])[] = [
  [
    'ENABLED',
    async (hierarchy) => {
      await hierarchy.site('PR1').distribution.stop();
      await order(hierarchy);
    },
  ],
  [
    'CONTENT_REPLICATING',
    async (hierarchy) => {
      stall(hierarchy, hierarchy.site('PR1').content);
      await order(hierarchy);
    },
  ],
  [
    'CONTENT_REPLICATION_FAILED',
    async (hierarchy) => {
      await withhold(hierarchy, hierarchy.site('PR1').content);
      await order(hierarchy);
    },
  ],
  [
    'UNKNOWN',
    async (hierarchy) => {
      stall(hierarchy, hierarchy.site('PR1').content);
      await order(hierarchy);
      await hierarchy.top.operations.cancel({ id: guids.update, by: 'eve' });
      await hierarchy.settle();
    },
  ],
];

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

async function published(t: TestContext, options = primary): Promise<TestHierarchy> {
  // Before the hierarchy stops, which waits for what it fetches.
  t.after(() => flow());
  const hierarchy = await TestHierarchy.start(t, options);
  await hierarchy.vendor.add(guids.update, '2.0.0');
  hierarchy.vendor.sign();
  return hierarchy;
}

async function heardOf(hierarchy: TestHierarchy): Promise<void> {
  await hierarchy.top.operations.check();
  await hierarchy.settle();
}

async function order(hierarchy: TestHierarchy): Promise<void> {
  await heardOf(hierarchy);
  await hierarchy.top.operations.install({ id: '2.0.0', by: 'eve' });
  await hierarchy.settle();
}

async function ordered(t: TestContext, events: readonly UpdateEventName[]): Promise<TestHierarchy> {
  const hierarchy = await published(t);
  await order(hierarchy);
  for (const code of ['CAS', 'PR1']) {
    for (const event of events) hierarchy.happen(code, guids.update, event, { results: [] });
  }
  return hierarchy;
}

/** Bytes of the package's content stop on their way, until `flow`. */
function stall(hierarchy: TestHierarchy, source: LibrarySource): void {
  const held = Promise.withResolvers<void>();
  stalled.push(() => held.resolve());
  source.onTheWay = async function* stands(blob, _, chunks) {
    if (!isDescriptor(hierarchy, blob.sha256)) await held.promise;
    yield* chunks;
  };
}

const stalled: (() => void)[] = [];

/** Lets everything go on that was stalled. */
function flow(): void {
  for (const release of stalled.splice(0)) release();
}

/** The source has the package's description, and nothing of its content. */
async function withhold(hierarchy: TestHierarchy, source: LibrarySource): Promise<void> {
  for await (const { sha256 } of hierarchy.vendor.blobs.list()) {
    if (!isDescriptor(hierarchy, sha256)) source.withheld.add(sha256);
  }
}

/** Descriptions of packages are fetched with the catalogue, whatever becomes of the package. */
function isDescriptor({ vendor }: TestHierarchy, sha256: string): boolean {
  return [...vendor.entries.values()].some(({ descriptor }) => descriptor.sha256 === sha256);
}

function stateAt(hierarchy: TestHierarchy, code: string): UpdateState {
  return hierarchy.state(code, guids.update) ?? 'UNKNOWN';
}

/** The vendor withdraws the package, everybody hears of it, and time passes. */
async function withdraw(hierarchy: TestHierarchy): Promise<void> {
  for (const { identity } of hierarchy.sites()) tried.add(stateAt(hierarchy, identity.code));
  const entry = hierarchy.vendor.entries.get(guids.update);
  assert.ok(entry);
  hierarchy.vendor.entries.set(guids.update, {
    ...entry,
    withdrawn: { at: '2026-01-11', reason: 'it eats files' },
  });
  hierarchy.vendor.sign();
  await hierarchy.top.operations.check();
  for (const { documents } of hierarchy.children.values()) await documents.refresh(never);
  for (let round = 0; round < 3; round += 1) {
    await hierarchy.settle();
    await hierarchy.clock.advance(60_000);
  }
}

/** Not even when the source has everything again, for longer than any pause between two tries. */
async function isNotFetched(hierarchy: TestHierarchy, source: LibrarySource): Promise<void> {
  const fetched = (): number => source.opened.filter(({ sha256 }) => !isDescriptor(hierarchy, sha256)).length;
  await hierarchy.settle();
  const before = fetched();
  flow();
  source.withheld.clear();
  await hierarchy.clock.advance(1_000_000);
  await hierarchy.settle();
  assert.equal(fetched(), before, 'nothing is fetched any more');
}

async function isRefusedAnew(hierarchy: TestHierarchy): Promise<void> {
  for (const ask of ['install', 'checkPrerequisites', 'download', 'retry'] as const) {
    await assert.rejects(
      hierarchy.top.operations[ask]({ id: guids.update, by: 'eve' }),
      { code: 'NOT_AVAILABLE', message: withdrawn },
      `${ask} is refused`,
    );
  }
  const { verdict, reasons } = await hierarchy.top.operations.why({ id: guids.update });
  assert.equal(verdict, 'not-available');
  assert.match(reasons.map(({ sentence }) => sentence).join(' '), withdrawn);
}

describe('a package that the vendor withdraws', () => {
  for (const [state, prepare] of beforeOrder) {
    it(`is hidden, neither fetched nor ordered any more, where it is in ${state} at the top-tier site`, async (t) => {
      const hierarchy = await published(t);
      await prepare(hierarchy);
      assert.equal(stateAt(hierarchy, 'CAS'), state);
      await withdraw(hierarchy);
      await isNotFetched(hierarchy, hierarchy.vendor.content);
      assert.equal(hierarchy.state('CAS', guids.update), 'APPLICABILITY_HIDE');
      assert.match(hierarchy.projection('CAS', guids.update)?.reason ?? '', withdrawn);
      await isRefusedAnew(hierarchy);
    });
  }

  for (const [state, prepare] of onTheWay) {
    it(`is not fetched any more by a child that is in ${state}, not even for an order`, async (t) => {
      const hierarchy = await published(t);
      await prepare(hierarchy);
      assert.equal(stateAt(hierarchy, 'PR1'), state);
      await withdraw(hierarchy);
      // What nobody has in hand there has nothing to hide.
      const rests = state === 'UNKNOWN' ? 'UNKNOWN' : 'APPLICABILITY_HIDE';
      const { distribution, content } = hierarchy.site('PR1');
      await distribution.start(never);
      await isNotFetched(hierarchy, content);
      assert.equal(hierarchy.state('PR1', guids.update), rests);
      await isRefusedAnew(hierarchy);
      // From a top-tier site that has not heard of it.
      hierarchy.putOrder(hierarchy.order(1_000_000, guids.update, { attempt: 9 }));
      await isNotFetched(hierarchy, content);
      assert.equal(hierarchy.state('PR1', guids.update), rests);
    });
  }

  for (const [state, events] of afterOrder) {
    it(`is hidden at every site that is in ${state}`, async (t) => {
      const hierarchy = await ordered(t, events);
      assert.deepEqual([stateAt(hierarchy, 'CAS'), stateAt(hierarchy, 'PR1')], [state, state]);
      await withdraw(hierarchy);
      assert.deepEqual(
        [stateAt(hierarchy, 'CAS'), stateAt(hierarchy, 'PR1')],
        ['APPLICABILITY_HIDE', 'APPLICABILITY_HIDE'],
      );
      assert.match(hierarchy.projection('PR1', guids.update)?.reason ?? '', withdrawn);
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

  it('goes no further down from sites that have installed it, whatever is asked for', async (t) => {
    const children = { PR1: 'primary', PR2: 'primary', PR3: 'primary', SE1: 'secondary' } as const;
    const hierarchy = await published(t, { children, parents: { SE1: 'PR1' } });
    await order(hierarchy);
    await hierarchy.installs('CAS', guids.update);
    await hierarchy.installs('PR1', guids.update);
    for (const event of [...checked, 'install-started', 'install-failed'] as const)
      hierarchy.happen('PR2', guids.update, event, { results: [] });
    await hierarchy.settle();
    await withdraw(hierarchy);
    const codes = ['CAS', 'PR1', 'PR2', 'PR3', 'SE1'];
    const rests: readonly UpdateState[] = [
      'INSTALL_SUCCESS',
      'INSTALL_SUCCESS',
      'APPLICABILITY_HIDE',
      'APPLICABILITY_HIDE',
      'UNKNOWN',
    ];
    assert.deepEqual(
      codes.map((code) => stateAt(hierarchy, code)),
      rests,
    );
    const { operations } = hierarchy.top;
    const asked = { id: guids.update, by: 'eve' };
    for (const refused of [
      operations.install(asked),
      operations.install({ ...asked, sites: [siteCode('PR3')] }),
      operations.retry(asked),
      operations.retry({ ...asked, site: siteCode('PR2') }),
      operations.upgradeSecondary({ site: siteCode('SE1'), by: 'eve' }),
    ]) {
      await assert.rejects(refused, { code: 'NOT_AVAILABLE', message: withdrawn });
    }
    await isNotFetched(hierarchy, hierarchy.site('SE1').content);
    assert.deepEqual(
      codes.map((code) => stateAt(hierarchy, code)),
      rests,
    );
  });

  it('was withdrawn above in every state that a site can be seen in', () => {
    const all = Object.entries(states);
    assert.deepEqual(
      [...tried].toSorted(),
      all
        .filter(([, how]) => how === 'tried')
        .map(([state]) => state)
        .toSorted(),
    );
  });
});
