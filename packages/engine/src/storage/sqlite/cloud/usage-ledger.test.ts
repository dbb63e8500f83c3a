import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test, type TestContext } from 'node:test';
import { usageItems } from '@sallyport/core/domain/usage/registry';
import type { ReportedSite, UsageReport } from '@sallyport/core/domain/usage/report';
import { digest, hierarchyId, type HierarchyId, packageGuid } from '@sallyport/core/shared/ids';
import { days } from '@sallyport/core/shared/units';
import { SqliteCloudDatabase } from './cloud-database.ts';
import { viewName } from './usage-views.ts';

const guid = packageGuid('00000000-0000-4000-8000-000000000001');
const [a, b, c] = ['a', 'b', 'c'].map((digit) => hierarchyId(digit.repeat(64))) as [
  HierarchyId,
  HierarchyId,
  HierarchyId,
];
const by = { at: 1_000_000, who: 'somebody' };

interface Ledger {
  readonly database: SqliteCloudDatabase;
  readonly path: string;
  /** Accepts a report that follows whatever came before. */
  report(id: HierarchyId, sequence: number, sites: readonly ReportedSite[], at?: number): Promise<void>;
}

async function opened(context: TestContext): Promise<Ledger> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-ledger-'));
  const path = join(folder, 'cloud.db');
  const database = await SqliteCloudDatabase.open(path);
  context.after(async () => {
    await database.close();
    await rm(folder, { recursive: true });
  });
  for (const id of [a, b, c]) {
    await database.addCodes([{ sha256: id, createdAt: 1 }]);
    const verdict = await database.enrol({
      codeSha256: id,
      hierarchyId: id,
      statement: new Uint8Array([1]),
      statementSequence: 1,
      operatingKey: '1'.repeat(64),
      at: 1000,
    });
    assert.equal(verdict, 'enrolled');
  }
  return {
    database,
    path,
    report: async (id, sequence, sites, at = 5000) => {
      const verdict = await database.acceptReport(
        reportOf(id, sequence, sites),
        { sha256: digestOf(id, sequence), sizeBytes: 100 },
        at,
      );
      assert.equal(verdict.kind, 'accepted');
    },
  };
}

function reportOf(id: HierarchyId, sequence: number, sites: readonly ReportedSite[]): UsageReport {
  return {
    schema: 1,
    hierarchyId: id,
    epoch: 1,
    sequence,
    ...(sequence === 1 ? {} : { previous: digestOf(id, sequence - 1) }),
    level: 'enhanced',
    fixedAt: '2026-01-01T00:00:00Z',
    sites,
  };
}

function digestOf(id: HierarchyId, sequence: number) {
  return digest(`${id.slice(0, 60)}${String(sequence).padStart(4, '0')}`);
}

function site(name: string, items: ReportedSite['items']): ReportedSite {
  return {
    site: name.padEnd(43, '_'),
    type: 'primary',
    level: 'enhanced',
    collectedAt: '2026-01-01T00:00:00Z',
    items,
  };
}

function installs(succeeded: number, failed: number, state = 'INSTALL_SUCCESS'): ReportedSite['items'] {
  return {
    'updates.packages': [{ package: guid, product: 'hello', version: '2.0', state, succeeded, failed }],
  };
}

function failure(code: string, step: string, times: number): ReportedSite['items'] {
  const row = { package: guid, product: 'hello', version: '2.0', event: 'install-failed', code, step, times };
  return { 'updates.failures': [row] };
}

const runs = (version: string): ReportedSite['items'] => ({
  'setup.products': [{ product: 'hello', version, packages: 1 }],
});

test('hierarchies and sites are counted by version and level, by their newest reports alone', async (context) => {
  const { database, report } = await opened(context);
  await report(a, 1, [site('A', runs('1.0'))]);
  await report(a, 2, [site('A', runs('2.0')), site('B', runs('1.0'))], 9000);
  await report(b, 1, [site('A', runs('2.0'))]);
  assert.deepEqual(await database.usage.versions(), [
    { product: 'hello', version: '1.0', hierarchies: 1, sites: 1 },
    { product: 'hello', version: '2.0', hierarchies: 2, sites: 2 },
  ]);
  assert.deepEqual(await database.usage.levels(), [{ level: 'enhanced', hierarchies: 2 }]);
  const [first, , silent] = await database.usage.hierarchies();
  assert.deepEqual(first, {
    id: a,
    enrolledAt: 1000,
    reports: 2,
    heardAt: 9000,
    newest: {
      epoch: 1,
      sequence: 2,
      level: 'enhanced',
      fixedAt: Date.parse('2026-01-01T00:00:00Z'),
      acceptedAt: 9000,
      sites: 2,
    },
  });
  assert.deepEqual(silent, { id: c, enrolledAt: 1000, reports: 0 });
  assert.deepEqual(
    (await database.usage.hierarchies('b')).map(({ id }) => id),
    [b],
  );
  assert.deepEqual(await database.usage.hierarchies('%'), []);
});

test('states, error rates and install outcomes are counted by package', async (context) => {
  const { database, report } = await opened(context);
  await report(a, 1, [site('A', installs(1, 2)), site('B', installs(1, 0))]);
  await report(b, 1, [site('A', installs(0, 0, 'DOWNLOAD_SUCCESS'))]);
  await report(c, 1, [site('A', installs(1, 0))]);
  assert.deepEqual(await database.usage.states(), [
    { product: 'hello', version: '2.0', package: guid, state: 'DOWNLOAD_SUCCESS', hierarchies: 1, sites: 1 },
    { product: 'hello', version: '2.0', package: guid, state: 'INSTALL_SUCCESS', hierarchies: 2, sites: 3 },
  ]);
  assert.deepEqual(await database.usage.errorRates(), [
    { product: 'hello', version: '2.0', package: guid, hierarchies: 2, succeeded: 3, failed: 2 },
  ]);
  assert.deepEqual(await database.usage.installOutcome(guid), { attempted: 2, failed: 1 });
  const other = packageGuid('00000000-0000-4000-8000-000000000002');
  assert.deepEqual(await database.usage.installOutcome(other), { attempted: 0, failed: 0 });
});

test('what fails alike is one problem, which names the hierarchies hit, the widest first', async (context) => {
  const { database, report } = await opened(context);
  await report(a, 1, [site('A', failure('HOOK_FAILED', 'hook', 9))]);
  await report(b, 1, [site('A', failure('HEALTH_CHECK_FAILED', 'health-check', 1))]);
  await report(c, 1, [
    site('A', failure('HEALTH_CHECK_FAILED', 'health-check', 2)),
    site('B', failure('HEALTH_CHECK_FAILED', 'health-check', 1)),
  ]);
  assert.deepEqual(
    (await database.usage.problems()).map(({ code, step, times, sites, hierarchies }) => [
      code,
      step,
      times,
      sites,
      hierarchies,
    ]),
    [
      ['HEALTH_CHECK_FAILED', 'health-check', 4, 3, [b, c]],
      ['HOOK_FAILED', 'hook', 9, 1, [a]],
    ],
  );
});

test('what was erased leaves no row and no byte, is on record, and is refused when it comes again', async (context) => {
  const { database, path, report } = await opened(context);
  const marker = 'A-MARK-THAT-STANDS-NOWHERE-ELSE';
  await report(a, 1, [site('A', runs(marker))]);
  await report(a, 2, [site(marker, runs(marker))]);
  await report(b, 1, [site('A', runs('1.0'))]);
  const facts = { schema: 1, hierarchyId: a, epoch: 1, sequence: 3 } as Parameters<
    typeof database.acceptFacts
  >[0];
  const sent = { bytes: Buffer.from(marker), sha256: 'f'.repeat(64) };
  assert.equal((await database.acceptFacts(facts, sent, 1)).kind, 'accepted');
  const bytes = () =>
    [path, `${path}-wal`].some((file) => existsSync(file) && readFileSync(file).includes(marker));
  assert.ok(bytes());

  const { removed, left, overwritten } = await database.usage.erase(a, { ...by, enrolment: false });
  assert.deepEqual(removed, { usage_report: 2, usage_site: 2, usage_row: 2, accepted_facts: 1, orphans: 0 });
  assert.ok(Object.values(left).every((rows) => rows === 0));
  assert.ok(overwritten);
  assert.ok(!bytes(), 'no byte of it is in the files');
  assert.equal((await database.usage.versions()).length, 1, 'what others told stays');
  assert.ok(await database.hierarchy(a), 'it stays enrolled');
  const [entry] = await database.usage.audit(1);
  assert.deepEqual([entry?.act, entry?.who, entry?.hierarchyId], ['erased', 'somebody', a]);

  const again = await database.acceptReport(reportOf(a, 2, []), { sha256: digestOf(a, 2), sizeBytes: 1 }, 2);
  assert.deepEqual(again, { kind: 'older', floor: { epoch: 1, sequence: 2 } });
  assert.equal((await database.acceptFacts(facts, sent, 2)).kind, 'older');
  await report(a, 3, []);
  assert.deepEqual(
    (await database.usage.reports(a)).map(({ gap }) => gap),
    [false],
    'what was erased is no gap',
  );
});

test('a quarantine outlives an erasure, unless the enrolment is erased as well', async (context) => {
  const { database, report } = await opened(context);
  await report(a, 1, []);
  const copy = { sha256: digest('e'.repeat(64)), sizeBytes: 1 };
  assert.equal((await database.acceptReport(reportOf(a, 1, []), copy, 2)).kind, 'copied');
  await database.usage.erase(a, { ...by, enrolment: false });
  assert.ok(await database.quarantineOf(a));
  const { left } = await database.usage.erase(a, { ...by, enrolment: true });
  assert.ok(Object.values(left).every((rows) => rows === 0));
  assert.equal(await database.hierarchy(a), undefined);
  assert.equal(await database.quarantineOf(a), undefined);
  assert.ok((await database.codes()).every(({ usedBy }) => usedBy !== a));
});

test('what is older than the retention is removed and does not come back', async (context) => {
  const { database, report } = await opened(context);
  assert.equal(await database.usage.retentionDays(), 365);
  await database.usage.setRetentionDays(30, by);
  assert.equal(await database.usage.retentionDays(), 30);
  await report(a, 1, [site('A', runs('1.0'))], 0);
  await report(a, 2, [site('A', runs('1.0'))], days(40));
  const facts = { schema: 1, hierarchyId: a, epoch: 1, sequence: 3 } as Parameters<
    typeof database.acceptFacts
  >[0];
  const sent = { bytes: Buffer.from('facts'), sha256: 'f'.repeat(64) };
  await database.acceptFacts(facts, sent, 0);
  assert.deepEqual(await database.usage.purge(days(20), by), { reports: 1, facts: 1 });
  assert.deepEqual(await database.usage.purge(days(20), by), { reports: 0, facts: 0 });
  assert.equal((await database.acceptFacts(facts, sent, 1)).kind, 'older');
  assert.deepEqual(
    (await database.usage.reports(a)).map(({ sequence, gap }) => [sequence, gap]),
    [[2, false]],
  );
  const replayed = await database.acceptReport(
    reportOf(a, 1, []),
    { sha256: digestOf(a, 1), sizeBytes: 1 },
    1,
  );
  assert.equal(replayed.kind, 'older');
  assert.deepEqual(
    (await database.usage.audit(9)).map(({ act }) => act),
    ['purged', 'retention-set'],
  );
});

test('a limit is set, spent and set anew, all of it on record', async (context) => {
  const { database } = await opened(context);
  await database.usage.setStopLimit({ guid, percent: 10, ofAtLeast: 20 }, by);
  await database.usage.tripStopLimit(guid, { attempted: 20, failed: 3 }, { ...by, at: 2_000_000 });
  assert.deepEqual(await database.usage.stopLimits(), [
    { guid, percent: 10, ofAtLeast: 20, setAt: by.at, trippedAt: 2_000_000 },
  ]);
  await database.usage.setStopLimit({ guid, percent: 5, ofAtLeast: 20 }, by);
  assert.deepEqual(await database.usage.stopLimits(), [{ guid, percent: 5, ofAtLeast: 20, setAt: by.at }]);
  assert.ok(await database.usage.removeStopLimit(guid, by));
  assert.ok(!(await database.usage.removeStopLimit(guid, by)));
  assert.deepEqual(
    (await database.usage.audit(9)).map(({ act }) => act),
    ['stop-limit-removed', 'stop-limit-set', 'stopped', 'stop-limit-set'],
  );
});

test('every data item has a view with its columns, made anew when the registry says something else', async (context) => {
  const { database, path } = await opened(context);
  const raw = new DatabaseSync(path);
  context.after(() => raw.close());
  for (const item of usageItems) {
    const columns = raw
      .prepare(`select * from ${viewName(item.id)}`)
      .columns()
      .map(({ name }) => name);
    assert.deepEqual(
      columns.slice(7),
      item.columns.map(({ name }) => name),
      item.id,
    );
  }
  raw.exec('drop view item_setup_products; create view item_setup_products as select 1 as one');
  raw.exec('create view item_of_an_older_release as select 1 as one');
  const again = await SqliteCloudDatabase.open(path);
  assert.deepEqual(await again.usage.versions(), []);
  await again.close();
  assert.throws(() => raw.prepare('select * from item_of_an_older_release').all(), /no such table/);
  assert.equal((await database.usage.levels()).length, 0);
});

test('the questions that the documentation asks in SQL can be asked', async (context) => {
  const { path, report } = await opened(context);
  await report(a, 2, [site('A', { 'system.runtime': [{ node: '24.9.0', sqlite: '3.50.4' }] })]);
  const page = readFileSync(new URL('../../../../../../docs/cloud-usage-data.md', import.meta.url), 'utf8');
  const questions = [...page.matchAll(/```sql\n([\s\S]*?)```/g)].map(([, text = '']) => text);
  const raw = new DatabaseSync(path, { readOnly: true });
  context.after(() => raw.close());
  const answers = questions.map((question) => raw.prepare(question).all().length);
  assert.deepEqual(answers, [1, 0, 1]);
});
