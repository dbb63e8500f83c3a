import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isTold, type UsageLevel } from '@sallyport/core/domain/usage/level';
import { usageItem } from '@sallyport/core/domain/usage/registry';
import type { UsageReport } from '@sallyport/core/domain/usage/report';
import { problemsOfItems } from '@sallyport/core/domain/usage/row-check';
import { usageReportFormat } from '@sallyport/core/wire/usage';
import { nodeDigests } from '../../compute/digest.ts';
import { reportsWaitingMax, type WaitingReport } from './report-desk.ts';
import { cas, pr1, UsageSite } from './test-support/usage-site.ts';

const hour = 3_600_000;

function read({ payload }: WaitingReport): UsageReport {
  return usageReportFormat.parse(payload);
}

function levelsIn(report: UsageReport): ReadonlySet<UsageLevel | undefined> {
  return new Set(report.sites.flatMap(({ items }) => Object.keys(items).map((id) => usageItem(id)?.level)));
}

test('what sites collected becomes one report, fixed as bytes, with hashes for names', async (t) => {
  const site = await UsageSite.open(t);
  assert.deepEqual(site.desk.waiting(), [], 'nothing has been collected');
  site.collects(cas, 'enhanced');
  site.collects(pr1, 'enhanced');
  const [report, ...others] = site.desk.waiting();
  assert.ok(report !== undefined && others.length === 0);
  const said = read(report);
  assert.deepEqual(
    said.sites.map(({ site: name, type }) => [name, type]),
    [
      [site.hashName('CAS'), 'central'],
      [site.hashName('PR1'), 'primary'],
    ],
  );
  assert.doesNotMatch(Buffer.from(report.payload).toString(), /"(?:CAS|PR1)"/, 'no name leaves');
  for (const { items, level } of said.sites) assert.deepEqual(problemsOfItems(items, level, 'hashed'), []);
  assert.equal(report.payloadSha256, nodeDigests.of('sha256', report.payload));
  assert.deepEqual(said.previous, undefined);
  const [again] = site.desk.waiting();
  assert.deepEqual(again, report, 'the same bytes however often it is looked at');
});

test('each collection goes into one report, and reports form a chain', async (t) => {
  const site = await UsageSite.open(t);
  site.collects(cas, 'enhanced');
  const [first] = site.desk.waiting();
  assert.ok(first !== undefined);
  await site.clock.advance(hour);
  site.collects(pr1, 'enhanced');
  const [, second] = site.desk.waiting();
  assert.ok(second !== undefined);
  assert.deepEqual(
    read(second).sites.map(({ site: name }) => name),
    [site.hashName('PR1')],
    'what was reported is not reported again',
  );
  assert.deepEqual([second.sequence, read(second).previous], [2, first.payloadSha256]);
  site.desk.received(first);
  site.desk.received(second);
  site.database.write(({ records }) => records.raiseEpoch(2));
  await site.clock.advance(hour);
  site.collects(cas, 'enhanced');
  const [third] = site.desk.waiting();
  assert.ok(third !== undefined);
  assert.deepEqual([third.epoch, third.sequence, read(third).previous], [2, 1, second.payloadSha256]);
});

test('a restored site reports again what it has forgotten to have reported, under its new epoch', async (t) => {
  const site = await UsageSite.open(t);
  site.collects(cas, 'basic');
  site.database.write(({ records }) => records.raiseEpoch(2));
  const [report] = site.desk.waiting();
  assert.deepEqual([report?.epoch, report?.sequence], [2, 1]);
});

test('the lower of the levels at collection and at sending decides', async (t) => {
  const site = await UsageSite.open(t);
  site.chooses('basic');
  site.collects(cas, 'full');
  const [report] = site.desk.waiting();
  assert.ok(report !== undefined);
  assert.deepEqual([report.level, ...levelsIn(read(report))], ['basic', 'basic']);
  site.desk.received(report);
  site.chooses('full');
  await site.clock.advance(hour);
  site.collects(cas, 'enhanced');
  const [next] = site.desk.waiting();
  assert.ok(next !== undefined);
  assert.ok([...levelsIn(read(next))].every((level) => level !== undefined && isTold(level, 'enhanced')));
  assert.ok(levelsIn(read(next)).has('enhanced'));
});

test('lowering the level makes what was never sent anew, drops what was, keeps the chain, and is audited', async (t) => {
  const site = await UsageSite.open(t);
  site.chooses('full');
  const made: WaitingReport[] = [];
  for (let week = 0; week < 3; week += 1) {
    await site.clock.advance(hour);
    site.collects(cas, 'full');
    made.push(site.desk.waiting().at(-1) ?? assert.fail());
  }
  const [sent] = made;
  assert.ok(sent !== undefined);
  site.desk.noteSent([sent]);
  site.chooses('basic');
  const left = site.desk.waiting();
  assert.deepEqual(
    left.map(({ sequence, level }) => [sequence, level]),
    [
      [2, 'basic'],
      [3, 'basic'],
    ],
  );
  for (const report of left) assert.deepEqual([...levelsIn(read(report))], ['basic']);
  assert.deepEqual(
    left.map((report) => read(report).previous),
    [sent.payloadSha256, left[0]?.payloadSha256],
  );
  assert.deepEqual(
    left.map(({ payload }) => nodeDigests.of('sha256', payload)),
    left.map(({ payloadSha256 }) => payloadSha256),
  );
  const { history, audit } = site.database.read((tables) => ({
    history: tables.reports.history(9),
    audit: tables.audit.entries(9),
  }));
  assert.deepEqual(
    history.map(({ sequence, state }) => [sequence, state]),
    [
      [3, 'waiting'],
      [2, 'waiting'],
      [1, 'dropped'],
    ],
  );
  assert.deepEqual(
    audit.map(({ action }) => action),
    ['usage-report-lowered', 'usage-report-lowered', 'usage-report-dropped'],
  );
  site.chooses('full');
  assert.deepEqual(site.desk.waiting(), left, 'raising it brings nothing back');
});

test('when as much waits as a year has weeks nothing new is fixed, nothing is lost, and it goes on when there is room', async (t) => {
  const site = await UsageSite.open(t);
  for (let week = 0; week < reportsWaitingMax + 2; week += 1) {
    await site.clock.advance(hour);
    site.collects(cas, 'basic');
    site.desk.waiting();
  }
  const waiting = site.desk.waiting();
  assert.equal(waiting.length, reportsWaitingMax);
  assert.equal(site.desk.quotaReached()?.count, reportsWaitingMax);
  assert.equal(waiting[0]?.sequence, 1, 'the oldest is still there');
  site.desk.received(waiting[0] ?? assert.fail());
  assert.equal(site.desk.quotaReached(), undefined);
  assert.equal(site.desk.waiting().at(-1)?.sequence, reportsWaitingMax + 1, 'the newest collection');
});

test('a revoked site is not reported any more', async (t) => {
  const site = await UsageSite.open(t);
  site.collects(cas, 'basic');
  site.collects(pr1, 'basic');
  Object.assign(site.roster.sites[1] ?? {}, { revoked: { at: '2026-01-01T00:00:00Z', reason: 'stolen' } });
  const [report] = site.desk.waiting();
  assert.deepEqual(report && read(report).sites.map(({ type }) => type), ['central']);
});
