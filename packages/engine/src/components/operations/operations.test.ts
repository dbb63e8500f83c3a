import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { PackageDescriptor } from '@sallyport/core/domain/updates/package';
import type { PrerequisiteResult } from '@sallyport/core/domain/updates/prerequisites';
import { apiInputs } from '@sallyport/core/wire/api';
import { siteCode } from '@sallyport/core/shared/ids';
import { nodeDigests } from '../../compute/digest.ts';
import {
  TestHierarchy,
  type TestHierarchyOptions,
} from '../hierarchy-manager/test-support/test-hierarchy.ts';
import { guids } from '../hierarchy-manager/test-support/test-vendor.ts';
import { apiOperations } from './api.ts';
import { SiteOperations } from './operations.ts';

const pr1 = siteCode('PR1');
const by = 'eve';

/** CAS, two primaries, a secondary below the first; 2.0.0 is downloaded. */
async function ready(
  t: TestContext,
  more: Partial<PackageDescriptor> = {},
  options: TestHierarchyOptions = {},
): Promise<TestHierarchy> {
  const hierarchy = await TestHierarchy.start(t, {
    children: { PR1: 'primary', PR2: 'primary', SEC: 'secondary' },
    parents: { SEC: 'PR1' },
    ...options,
  });
  await hierarchy.vendor.add(guids.update, '2.0.0', more);
  await hierarchy.vendor.add(guids.other, '1.5.0');
  await hierarchy.vendor.add(guids.hotfix, '2.0.1', { kind: 'hotfix', requires: [guids.update] });
  hierarchy.vendor.sign();
  await hierarchy.top.operations.check();
  await hierarchy.clock.advance(60_000);
  await hierarchy.settle();
  return hierarchy;
}

function warning(id: string, title: string): PrerequisiteResult {
  return { id, title, severity: 'warning', status: 'warning', detail: 'not so', remedy: 'make it so' };
}

/** What the installer says after a check that found a warning at the site. */
function warns(hierarchy: TestHierarchy, code: string, id = 'memory'): void {
  hierarchy.happen(code, guids.update, 'prerequisites-started');
  hierarchy.happen(code, guids.update, 'prerequisites-warned', { results: [warning(id, `Warning ${id}`)] });
}

async function siteStates(hierarchy: TestHierarchy, id: string): Promise<Readonly<Record<string, string>>> {
  const { packages } = await hierarchy.top.operations.status({ id });
  return Object.fromEntries(packages[0]?.sites.map(({ site, state }) => [site, state]) ?? []);
}

test('an install goes to the top-tier site and every primary, and its status is seen at the top', async (t) => {
  const hierarchy = await ready(t);
  const ordered = await hierarchy.top.operations.install({ id: '2.0.0', by });
  assert.equal(ordered.kind, 'ordered');
  assert.deepEqual(ordered.orders, [{ sequence: 1, guid: guids.update, attempt: 1 }]);
  assert.deepEqual(ordered.sites, ['CAS', 'PR1', 'PR2']);
  assert.notEqual(hierarchy.state('CAS', guids.update), 'DOWNLOAD_SUCCESS', 'this site has taken it up');
  await hierarchy.settle();
  assert.deepEqual(await siteStates(hierarchy, '2.0.0'), {
    CAS: 'CONTENT_REPLICATION_SUCCESS',
    PR1: 'CONTENT_REPLICATION_SUCCESS',
    PR2: 'CONTENT_REPLICATION_SUCCESS',
  });
  for (const code of ['CAS', 'PR1', 'PR2']) await hierarchy.installs(code, guids.update);
  const { packages } = await hierarchy.top.operations.status({ id: '2.0.0' });
  assert.deepEqual([packages[0]?.state, packages[0]?.stateCode], ['INSTALL_SUCCESS', 196612]);
  const [cas, first] = packages[0]?.sites ?? [];
  assert.deepEqual(
    cas?.phases.map(({ phase, state }) => [phase, state]),
    [
      ['download', 'done'],
      ['replication', 'done'],
      ['prerequisites', 'done'],
      ['installation', 'done'],
      ['post', 'done'],
    ],
  );
  assert.equal(first?.phases[0]?.state, 'not-applicable');
  assert.ok((first?.receivedBytes ?? 0) > 0);
});

test('packages are listed newest first, and of those that were released together the highest version', async (t) => {
  const { top } = await ready(t);
  const { packages } = await top.operations.list({ all: true });
  assert.deepEqual(
    packages.map(({ version }) => version),
    ['2.0.1', '2.0.0', '1.5.0', '1.0.0'],
  );
});

test('primaries that were left out of an install are told later, once each, under the same conditions', async (t) => {
  const hierarchy = await ready(t, { licence: { name: 'Terms', text: 'You may.' } });
  const { operations } = hierarchy.top;
  const asked = { id: '2.0.0', by, acceptLicence: true } as const;
  await operations.install({ ...asked, sites: [siteCode('CAS')] });
  await hierarchy.settle();
  await hierarchy.installs('CAS', guids.update);
  await hierarchy.settle();
  await assert.rejects(operations.install({ id: '2.0.0', by }), { code: 'LICENCE_NOT_ACCEPTED' });
  const first = await operations.install({ ...asked, sites: [pr1] });
  assert.deepEqual(first.sites, ['PR1']);
  const others = await operations.install(asked);
  assert.deepEqual(others.sites, ['PR2'], 'PR1 has been told already, and secondaries wait to be asked');
  await hierarchy.settle();
  for (const code of ['PR1', 'PR2']) await hierarchy.installs(code, guids.update);
  await hierarchy.settle();
  await assert.rejects(operations.install(asked), { code: 'NOT_AVAILABLE' });
});

test('a package is named by GUID, version or product and version; what may mean two is refused', async (t) => {
  const hierarchy = await ready(t);
  const { operations } = hierarchy.top;
  assert.equal((await operations.show({ id: guids.update.toUpperCase() })).version, '2.0.0');
  assert.equal((await operations.show({ id: 'tool@2.0.0' })).guid, guids.update);
  await assert.rejects(operations.show({ id: '9.9.9' }), { code: 'NOT_FOUND' });
  await assert.rejects(operations.show({ id: 'other@2.0.0' }), { code: 'NOT_FOUND' });
  await hierarchy.vendor.add(guids.hotfix, '2.0.0', { kind: 'hotfix' });
  hierarchy.vendor.sign();
  await operations.check();
  await assert.rejects(
    operations.show({ id: '2.0.0' }),
    (error: Error) => 'code' in error && error.code === 'AMBIGUOUS' && error.message.includes(guids.hotfix),
  );
});

test('a licence must be accepted, and who accepted which text stands in the order', async (t) => {
  const hierarchy = await ready(t, { licence: { name: 'Terms', text: 'You may.\nYou may not.' } });
  const { operations } = hierarchy.top;
  await assert.rejects(operations.install({ id: '2.0.0', by }), { code: 'LICENCE_NOT_ACCEPTED' });
  assert.equal(hierarchy.state('CAS', guids.update), 'DOWNLOAD_SUCCESS', 'nothing was changed');
  const shown = await operations.show({ id: '2.0.0' });
  await operations.install({ id: '2.0.0', by, acceptLicence: true });
  const ordered = hierarchy.top.database
    .read(({ updates }) => updates.events({ guid: guids.update }))
    .find(({ event }) => event === 'ordered');
  assert.deepEqual(
    (ordered?.data['licence'] as { by: string; textSha256: string } | undefined)?.textSha256,
    shown.licence?.textSha256,
  );
});

test('what is not downloaded, not available or under way already is refused with a remedy', async (t) => {
  const hierarchy = await ready(t);
  const { operations } = hierarchy.top;
  await assert.rejects(operations.install({ id: '1.5.0', by }), { code: 'NOT_DOWNLOADED' });
  await assert.rejects(operations.install({ id: '2.0.1', by }), { code: 'NOT_AVAILABLE' });
  await assert.rejects(operations.install({ id: '1.0.0', by }), { code: 'NOT_AVAILABLE' }, 'installed');
  await assert.rejects(operations.retry({ id: '2.0.0', by }), { code: 'NOT_ALLOWED' });
  await assert.rejects(operations.cancel({ id: '2.0.0', by }), { code: 'NOT_ALLOWED' });
  await operations.install({ id: '2.0.0', by });
  await assert.rejects(operations.install({ id: '2.0.0', by }), { code: 'NOT_ALLOWED' });
  await assert.rejects(operations.download({ id: '2.0.0', by }), { code: 'NOT_ALLOWED' });
});

test('a second install is refused while one runs anywhere, also at a site that is away, until it is cancelled', async (t) => {
  const hierarchy = await ready(t);
  const { operations } = hierarchy.top;
  await operations.download({ id: '1.5.0', by });
  await hierarchy.settle();
  await operations.install({ id: '1.5.0', by });
  await assert.rejects(operations.install({ id: '2.0.0', by }), { code: 'INSTALL_RUNNING' });
  // Only the top-tier site has heard of it: the primaries are away.
  await hierarchy.clock.settle();
  for (const event of ['prerequisites-started', 'prerequisites-failed'] as const)
    hierarchy.happen('CAS', guids.other, event, { results: [] });
  await assert.rejects(operations.install({ id: '2.0.0', by }), (error: Error) =>
    error.message.includes('PR1, PR2'),
  );
  await operations.cancel({ id: '1.5.0', by });
  assert.equal((await operations.install({ id: '2.0.0', by })).kind, 'ordered');
  await hierarchy.settle();
  assert.equal(hierarchy.state('PR1', guids.other), 'UNKNOWN', 'install and cancel arrived together');
  assert.equal(hierarchy.state('PR1', guids.update), 'CONTENT_REPLICATION_SUCCESS');
});

test('warnings are ignored only on a person’s word that names each one', async (t) => {
  const hierarchy = await ready(t);
  const { operations } = hierarchy.top;
  await operations.checkPrerequisites({ id: '2.0.0', by });
  await hierarchy.settle();
  warns(hierarchy, 'CAS');
  warns(hierarchy, 'PR1', 'spn');
  await hierarchy.settle();
  const known = (await operations.warnings({ id: '2.0.0' })).warnings;
  assert.deepEqual(
    known.map(({ site, prerequisite }) => [site, prerequisite]),
    [
      ['CAS', 'memory'],
      ['PR1', 'spn'],
    ],
  );
  await assert.rejects(
    operations.install({ id: '2.0.0', by }),
    (error: Error) =>
      error.message.includes('Warning memory (memory) at CAS') && error.message.includes('at PR1'),
  );
  const one = { by: 'adam', warnings: [{ site: siteCode('CAS'), prerequisite: 'memory' }] };
  await assert.rejects(operations.install({ id: '2.0.0', by, ignoreWarnings: one }), {
    code: 'WARNINGS_NOT_CONSENTED',
  });
  const wrong = { by: 'adam', warnings: [{ site: pr1, prerequisite: 'memory' }] };
  await assert.rejects(operations.install({ id: '2.0.0', by, ignoreWarnings: wrong }), { code: 'NOT_FOUND' });
  await operations.install({ id: '2.0.0', by, ignoreWarnings: { by: 'adam', warnings: 'all-known' } });
  await hierarchy.settle();
  const site = hierarchy.site('PR1');
  const ordered = site.database
    .read(({ updates }) => updates.events({ guid: guids.update, site: pr1 }))
    .findLast(({ event }) => event === 'ordered');
  const consent = ordered?.data['consent'] as
    | { by: string; warnings: readonly { site: string; prerequisite: string }[] }
    | undefined;
  assert.equal(consent?.by, 'adam');
  assert.deepEqual(
    consent?.warnings.map(({ site: code, prerequisite }) => `${code} ${prerequisite}`),
    ['CAS memory', 'PR1 spn'],
  );
});

test('ignoring warnings before any is known consents to nothing, and says so', async (t) => {
  const hierarchy = await ready(t);
  const { notes } = await hierarchy.top.operations.install({
    id: '2.0.0',
    by,
    ignoreWarnings: { by, warnings: 'all-known' },
  });
  assert.match(notes.join(), /nothing to ignore/);
  const ordered = hierarchy.top.database
    .read(({ updates }) => updates.events({ guid: guids.update }))
    .find(({ event }) => event === 'ordered');
  assert.equal(ordered?.data['consent'], undefined);
});

test('a retry is a new attempt where the last one stopped, and never ignores warnings by itself', async (t) => {
  const hierarchy = await ready(t);
  const { operations } = hierarchy.top;
  await operations.install({ id: '2.0.0', by });
  await hierarchy.settle();
  await hierarchy.installs('CAS', guids.update);
  await hierarchy.installs('PR2', guids.update);
  warns(hierarchy, 'PR1');
  await hierarchy.settle();
  assert.deepEqual(await siteStates(hierarchy, '2.0.0'), {
    CAS: 'INSTALL_SUCCESS',
    PR1: 'PREREQ_WARNING',
    PR2: 'INSTALL_SUCCESS',
  });
  await assert.rejects(operations.retry({ id: '2.0.0', by, site: siteCode('PR2') }), { code: 'NOT_ALLOWED' });
  const again = await operations.retry({ id: '2.0.0', by });
  assert.deepEqual(again.sites, ['PR1']);
  await hierarchy.settle();
  const projection = hierarchy.projection('PR1', guids.update);
  assert.deepEqual([projection?.attempt, projection?.state], [2, 'CONTENT_REPLICATION_SUCCESS']);
  const events = hierarchy
    .site('PR1')
    .database.read(({ updates }) => updates.events({ guid: guids.update, site: pr1 }));
  assert.equal(events.findLast(({ event }) => event === 'ordered')?.data['consent'], undefined);
  assert.equal(hierarchy.projection('CAS', guids.update)?.attempt, 1, 'the others are left alone');
});

test('sites that were cancelled while the top-tier site went on can be told again', async (t) => {
  const hierarchy = await ready(t);
  const { operations } = hierarchy.top;
  await operations.install({ id: '2.0.0', by });
  await hierarchy.settle();
  for (const event of ['prerequisites-started', 'prerequisites-passed', 'install-started'] as const)
    hierarchy.happen('CAS', guids.update, event);
  for (const step of ['stage-release', 'backup-database', 'before-switch-hooks'])
    hierarchy.happen('CAS', guids.update, 'step-finished', { step });
  const cancelled = await operations.cancel({ id: '2.0.0', by });
  assert.deepEqual(cancelled.sites, ['PR1', 'PR2']);
  assert.match(cancelled.notes.join(), /Too late at CAS/);
  await hierarchy.settle();
  await hierarchy.runs(hierarchy.top, guids.update, '2.0.0', [guids.base, guids.update]);
  hierarchy.happen('CAS', guids.update, 'install-succeeded');
  await hierarchy.settle();
  assert.equal(hierarchy.state('PR1', guids.update), 'DOWNLOAD_SUCCESS');
  assert.deepEqual((await operations.retry({ id: '2.0.0', by })).sites, ['PR1', 'PR2']);
  await hierarchy.settle();
  assert.equal(hierarchy.projection('PR1', guids.update)?.attempt, 2);
});

test('a download can be cancelled, stays so, and is started again by hand', async (t) => {
  const hierarchy = await TestHierarchy.start(t);
  const { operations } = hierarchy.top;
  await hierarchy.vendor.add(guids.update, '2.0.0');
  hierarchy.vendor.sign();
  const cut = Promise.withResolvers<void>();
  t.after(() => cut.resolve());
  hierarchy.vendor.content.onTheWay = (blob, offset, chunks) =>
    blob.sizeBytes <= 2_000
      ? chunks
      : {
          startsAt: offset,
          chunks: (async function* () {
            yield new Uint8Array(1);
            await cut.promise;
          })(),
        };
  await operations.check();
  await hierarchy.settle();
  assert.equal(hierarchy.state('CAS', guids.update), 'DOWNLOAD_IN_PROGRESS');
  const { packages } = await operations.status({});
  assert.equal(packages[0]?.sites[0]?.transfer?.totalBytes, 5_005);
  await operations.cancel({ id: '2.0.0', by });
  hierarchy.vendor.content.onTheWay = (_, __, chunks) => chunks;
  cut.resolve();
  await hierarchy.settle();
  await hierarchy.clock.advance(60_000);
  assert.equal(hierarchy.state('CAS', guids.update), 'APPLICABILITY_SUCCESS');
  assert.match(hierarchy.projection('CAS', guids.update)?.reason ?? '', /cancelled by eve/);
  await operations.download({ id: '2.0.0', by });
  await hierarchy.settle();
  assert.equal(hierarchy.state('CAS', guids.update), 'DOWNLOAD_SUCCESS');
});

test('a reset takes a package back everywhere, only while no site has installed it', async (t) => {
  const hierarchy = await ready(t);
  const { operations } = hierarchy.top;
  await operations.install({ id: '2.0.0', by });
  await hierarchy.settle();
  for (const event of ['prerequisites-started', 'prerequisites-failed'] as const)
    hierarchy.happen('CAS', guids.update, event, { results: [] });
  for (const event of ['prerequisites-started', 'prerequisites-passed', 'install-started'] as const)
    hierarchy.happen('PR1', guids.update, event);
  await hierarchy.settle();
  await assert.rejects(operations.reset({ id: '2.0.0', by }), { code: 'NOT_ALLOWED' }, 'PR1 is installing');
  hierarchy.happen('PR1', guids.update, 'install-failed', { reason: 'no', step: 'stage-release' });
  await hierarchy.settle();
  const reset = await operations.reset({ id: '2.0.0', by, deleteContent: true });
  assert.deepEqual(reset.sites, ['PR1', 'PR2']);
  await hierarchy.settle();
  assert.equal(hierarchy.state('PR1', guids.update), 'DOWNLOAD_SUCCESS');
  assert.equal(hierarchy.state('PR2', guids.update), 'DOWNLOAD_SUCCESS');
  assert.equal(hierarchy.state('CAS', guids.update), 'DOWNLOAD_SUCCESS', 'it was found and downloaded anew');
  assert.deepEqual(
    (await operations.install({ id: '2.0.0', by })).orders.map(({ attempt }) => attempt),
    [2],
  );
  await hierarchy.settle();
  await hierarchy.installs('CAS', guids.update);
  await assert.rejects(operations.reset({ id: '2.0.0', by }), { code: 'NOT_ALLOWED' });
});

test('an install that failed at the top-tier site is said to hold the others up, until it is tried again or cancelled', async (t) => {
  const hierarchy = await ready(t);
  const { operations } = hierarchy.top;
  await operations.download({ id: '1.5.0', by });
  await operations.install({ id: '2.0.0', by });
  await hierarchy.settle();
  for (const event of ['prerequisites-started', 'prerequisites-passed', 'install-started'] as const)
    hierarchy.happen('CAS', guids.update, event);
  for (const site of ['PR1', 'PR2'] as const)
    for (const event of ['prerequisites-started', 'prerequisites-passed', 'waiting-for-parent'] as const)
      hierarchy.happen(site, guids.update, event, { reason: 'the parent first' });
  await hierarchy.settle();
  await assert.rejects(operations.install({ id: '1.5.0', by }), {
    code: 'INSTALL_RUNNING',
    message: /is being installed at CAS, PR1, PR2, .*wait for the end, or cancel it$/,
  });
  hierarchy.happen('CAS', guids.update, 'install-failed', { reason: 'no', step: 'stage-release' });
  await hierarchy.settle();
  await assert.rejects(operations.install({ id: '1.5.0', by }), {
    code: 'INSTALL_RUNNING',
    message:
      /has stopped at CAS, and PR1, PR2 wait for that: nothing goes on by itself, .*Retry it there, or cancel it first$/,
  });
  await assert.rejects(operations.retry({ id: '2.0.0', by, site: pr1 }), { code: 'NOT_ALLOWED' });
  await operations.cancel({ id: '2.0.0', by });
  await hierarchy.settle();
  await assert.rejects(operations.retry({ id: '2.0.0', by, site: pr1 }), {
    code: 'NOT_ALLOWED',
    message: /PR1 installs after its parent CAS, which has no attempt at .* under way \(INSTALL_FAILED\)/,
  });
  await operations.reset({ id: '2.0.0', by });
  await hierarchy.settle();
  await assert.rejects(operations.retry({ id: '2.0.0', by }), {
    code: 'NOT_ALLOWED',
    message: /under way \(DOWNLOAD_SUCCESS\): retry it there too, or order it anew with "install"/,
  });
  assert.deepEqual((await operations.install({ id: '2.0.0', by })).sites, ['CAS', 'PR1', 'PR2']);
});

test('a secondary is brought to what its parent has when somebody says so, package by package', async (t) => {
  const hierarchy = await ready(t);
  const { operations } = hierarchy.top;
  const sec = siteCode('SEC');
  assert.equal((await operations.upgradeSecondary({ site: sec, by })).kind, 'nothing-to-do');
  await operations.install({ id: '2.0.0', by });
  await hierarchy.settle();
  for (const code of ['CAS', 'PR1', 'PR2']) await hierarchy.installs(code, guids.update);
  await operations.check();
  await operations.download({ id: '2.0.1', by });
  await hierarchy.settle();
  await operations.install({ id: '2.0.1', by });
  await hierarchy.settle();
  for (const code of ['CAS', 'PR1', 'PR2']) await hierarchy.installs(code, guids.hotfix);
  assert.equal(hierarchy.state('SEC', guids.update), undefined, 'never by itself');
  const behind = (await operations.sites()).sites.find(({ code }) => code === 'SEC');
  assert.deepEqual(behind?.products?.[0]?.missing, [guids.update, guids.hotfix]);
  await assert.rejects(operations.upgradeSecondary({ site: pr1, by }), { code: 'NOT_ALLOWED' });
  const ordered = await operations.upgradeSecondary({ site: sec, by });
  assert.deepEqual(
    ordered.orders.map(({ guid }) => guid),
    [guids.update, guids.hotfix],
  );
  await hierarchy.settle();
  await hierarchy.clock.advance(10_000);
  await hierarchy.settle();
  assert.equal(hierarchy.state('SEC', guids.update), 'CONTENT_REPLICATION_SUCCESS', 'content included');
  assert.equal(hierarchy.state('SEC', guids.hotfix), undefined, 'one after the other');
  await assert.rejects(operations.upgradeSecondary({ site: sec, by }), { code: 'NOT_ALLOWED' });
  await hierarchy.installs('SEC', guids.update);
  assert.equal(hierarchy.state('SEC', guids.hotfix), 'CONTENT_REPLICATION_SUCCESS');
  await hierarchy.installs('SEC', guids.hotfix);
  assert.equal((await operations.upgradeSecondary({ site: sec, by })).kind, 'nothing-to-do');
});

test('a site that does not answer shows as such', async (t) => {
  const hierarchy = await ready(t);
  await hierarchy.top.operations.install({ id: '2.0.0', by });
  const { packages } = await hierarchy.top.operations.status({ id: '2.0.0' });
  const away = packages[0]?.sites.find(({ site }) => site === 'PR1');
  assert.match(away?.reason ?? '', /has not been taken up there yet/);
  assert.equal(packages[0]?.state, 'ENABLED');
});

test('the history tells everything that happened, at every site, with reasons', async (t) => {
  const hierarchy = await ready(t);
  await hierarchy.top.operations.install({ id: '2.0.0', by });
  await hierarchy.settle();
  const { events } = await hierarchy.top.operations.history({ id: '2.0.0' });
  assert.ok(
    events.some(({ site, event, reason }) => site === 'PR1' && event === 'ordered' && reason.includes('eve')),
  );
  assert.deepEqual(
    events.map(({ at }) => at),
    events.map(({ at }) => at).toSorted((a, b) => a - b),
  );
  assert.ok(events.every(({ name, version }) => name === 'Tool' && version === '2.0.0'));
});

test('watching gives a snapshot at once and after every change, and ends when it is told to', async (t) => {
  const hierarchy = await ready(t);
  const end = new AbortController();
  const seen: string[] = [];
  const watching = (async () => {
    for await (const { packages } of hierarchy.top.operations.watch(end.signal)) {
      seen.push(packages.find(({ guid }) => guid === guids.update)?.state ?? 'none');
    }
  })();
  await hierarchy.clock.settle();
  assert.deepEqual(seen, ['DOWNLOAD_SUCCESS']);
  await hierarchy.top.operations.install({ id: '2.0.0', by });
  await hierarchy.clock.advance(250);
  assert.equal(seen.length, 2);
  end.abort();
  await watching;
});

test('below the top-tier site one can look and not decide', async (t) => {
  const hierarchy = await ready(t);
  const { identity: site, database, documents, manager, distribution, log } = hierarchy.site('PR1');
  const reads = {
    current: () => ({ hierarchyId: hierarchy.roster.hierarchyId, roster: hierarchy.roster }),
    verifyOrder: () => assert.fail('no order is here'),
  };
  const operations = new SiteOperations({
    site,
    database,
    documents,
    hierarchy: reads,
    manager,
    distribution,
    links: {
      childLinks: () => [],
      query: () => ({ state: 'failing', reason: 'the parent CAS does not answer', since: 0 }),
    },
    components: () => [],
    digests: nodeDigests,
    clock: hierarchy.clock,
    log,
  });
  const own = (await operations.sites()).sites.find(({ code }) => code === 'PR1');
  assert.deepEqual(
    own?.link,
    { problem: 'the parent CAS does not answer' },
    'a site says when its own link is down',
  );
  assert.equal((await operations.list({})).exchange.mode, 'parent');
  await assert.rejects(operations.install({ id: '2.0.0', by }), { code: 'NOT_TOP_TIER' });
  await assert.rejects(operations.check(), { code: 'NOT_TOP_TIER' });
  assert.equal((await operations.show({ id: '2.0.0' })).version, '2.0.0');
  const { packages } = await operations.status({});
  assert.deepEqual(
    packages[0]?.sites.map(({ site: code, state }) => [code, state]),
    [
      ['CAS', 'DOWNLOAD_SUCCESS'],
      ['PR1', 'UNKNOWN'],
    ],
  );
});

test('every operation of the API has its input described, and no other is served', async (t) => {
  const hierarchy = await ready(t);
  const entries = apiOperations(hierarchy.top.operations);
  assert.deepEqual(Object.keys(entries).toSorted(), Object.keys(apiInputs).toSorted());
  const answer = (await entries.show.handle({ id: '2.0.0' } as never)) as { readonly version: string };
  assert.equal(answer.version, '2.0.0');
});

test('shows how the link to each child fares, so that a dead site does not look well', async (t) => {
  const hierarchy = await ready(t);
  hierarchy.childLinks = [
    { site: siteCode('PR1'), lastSeenAt: 17 },
    { site: siteCode('PR2'), problem: 'its records are forked' },
  ];
  const { sites } = await hierarchy.top.operations.sites();
  assert.deepEqual(
    sites.map(({ code, link }) => [code, link]),
    [
      ['CAS', undefined],
      ['PR1', { lastSeenAt: 17 }],
      ['PR2', { problem: 'its records are forked' }],
      ['SEC', undefined],
    ],
  );
});
