import assert from 'node:assert/strict';
import { test } from 'node:test';
import { propertyRuns } from '@sallyport/core/shared/test-support/property';
import type { UsageReport } from '@sallyport/core/domain/usage/report';
import { digest } from '@sallyport/core/shared/ids';
import { payloadTypes } from '@sallyport/core/wire/signed-document';
import fc from 'fast-check';
import { SqliteCloudDatabase } from '../storage/sqlite/cloud/cloud-database.ts';
import { rotateKeys } from './key-rotation.ts';
import { never } from './test-support/cloud-fixture.ts';
import { newDesk, rowsOf } from './test-support/desk-fixture.ts';
import {
  digestOfReport,
  reportedSite,
  ReportingHierarchy,
  sealedTo,
} from './test-support/reporting-hierarchy.ts';

const allRows = `select report.hierarchy_id, epoch, sequence, payload_sha256, previous_sha256, site, item, number, cells
  from usage_report report
  left join usage_site reporter on report_id = report.id
  left join usage_row on site_id = reporter.id
  order by 1, 2, 3, 7, 8, 9`;

test('a sealed report is opened, stored with its rows, and receipted', async (context) => {
  const desk = await newDesk(context);
  const hierarchy = await desk.enrolled();
  const report = hierarchy.next();
  const answer = await desk.send(await sealedTo(await desk.sealKey(), hierarchy.signed(report)));
  assert.deepEqual(answer.refused, []);
  assert.deepEqual(
    answer.receipts.map(({ hierarchyId, payloadSha256 }) => [hierarchyId, payloadSha256]),
    [[hierarchy.id, digestOfReport(report)]],
  );
  assert.deepEqual(
    rowsOf(desk.databasePath, 'select product, version, report_newest from item_setup_products'),
    [{ product: 'hello', version: '1.0', report_newest: 1 }],
  );
});

test('a new seal key opens nothing less: what is sealed to an older one is still taken', async (context) => {
  const desk = await newDesk(context);
  const hierarchy = await desk.enrolled();
  const first = await sealedTo(await desk.sealKey(), hierarchy.signed(hierarchy.next()));
  await rotateKeys(desk.cloud.tools, 'seal', {}, never);
  const second = await sealedTo(await desk.sealKey(), hierarchy.signed(hierarchy.next()));
  assert.equal((await desk.send(first, second)).receipts.length, 2);
});

test('what cannot be opened is refused with its own reason, and keeps nothing else from being taken', async (context) => {
  const desk = await newDesk(context);
  const hierarchy = await desk.enrolled();
  const key = await desk.sealKey();
  const good = await sealedTo(key, hierarchy.signed(hierarchy.next()));
  const altered = JSON.parse(Buffer.from(good).toString()) as { ciphertext: string };
  const letter = altered.ciphertext.startsWith('A') ? 'B' : 'A';
  const cases: readonly [string, Uint8Array][] = [
    ['SEALED_TO_OTHER', await sealedTo('9'.repeat(64), Buffer.from('{}'))],
    [
      'NOT_OPENED',
      Buffer.from(JSON.stringify({ ...altered, ciphertext: letter + altered.ciphertext.slice(1) })),
    ],
    ['NOT_OPENED', Buffer.from(JSON.stringify({ ...altered, key: 'AAAA' }))],
    ['NESTED', await sealedTo(key, good)],
    ['MALFORMED', await sealedTo(key, Buffer.from('nothing of ours'))],
    ['MALFORMED', good.subarray(0, good.length - 5)],
    ['MALFORMED', Buffer.from('{"sealed":1}')],
    ['TOO_LARGE', await sealedTo(key, Buffer.alloc(12 * 1024 * 1024 + 1, 'x'))],
  ];
  for (const [code, envelope] of cases) {
    const { refused, receipts } = await desk.send(envelope, good);
    assert.deepEqual(
      refused.map((each) => [each.index, each.code]),
      [[0, code]],
    );
    assert.ok(refused[0]?.message.length);
    assert.equal(receipts.length, 1, code);
  }
});

test('a report that tells what it may not is refused with the first reason, and nothing of it is stored', async (context) => {
  const desk = await newDesk(context);
  const hierarchy = await desk.enrolled();
  const stranger = new ReportingHierarchy();
  const products = (row: Record<string, string | number>) => [reportedSite('A', { 'setup.products': [row] })];
  const item = (
    id: string,
    rows = [{ site: 'PR1', component: 'C' }],
    level: UsageReport['level'] = 'full',
  ) => ({
    level,
    sites: [reportedSite('A', { [id]: rows }, { level })],
  });
  const report = (changes: Partial<UsageReport>) => ({ ...hierarchy.next(), sequence: 1, ...changes });
  const cases: readonly [string, Uint8Array][] = [
    ['UNKNOWN_ITEM', hierarchy.signed(report(item('setup.secrets')))],
    ['UNKNOWN_COLUMN', hierarchy.signed(report({ sites: products({ product: 'x', owner: 'me' }) }))],
    ['WRONG_TYPE', hierarchy.signed(report({ sites: products({ product: 1 }) }))],
    ['OUT_OF_RANGE', hierarchy.signed(report({ sites: products({ packages: -1 }) }))],
    ['NOT_HASHED', hierarchy.signed(report(item('components.failingSites')))],
    ['ABOVE_LEVEL', hierarchy.signed(report(item('components.failingSites', [], 'enhanced')))],
    ['ABOVE_LEVEL', hierarchy.signed(report({ level: 'basic' }))],
    [
      'TOO_MANY_ROWS',
      hierarchy.signed(
        report(
          item(
            'setup.products',
            Array.from({ length: 501 }, () => ({ site: '', component: '' })),
          ),
        ),
      ),
    ],
    ['MALFORMED', hierarchy.signed(report({ sites: [reportedSite('A'), reportedSite('A')] }))],
    ['MALFORMED', hierarchy.signed({ ...report({}), extra: 1 } as UsageReport)],
    ['MALFORMED', hierarchy.sign(payloadTypes.usageReport, Buffer.from('['.repeat(100_000)))],
    ['TOO_LARGE', hierarchy.sign(payloadTypes.usageReport, Buffer.alloc(8 * 1024 * 1024 + 1, ' '))],
    ['TOO_LARGE', hierarchy.sign(payloadTypes.usageReport, Buffer.alloc(10 * 1024 * 1024, ' '))],
    ['NOT_ENROLLED', stranger.signed(stranger.next())],
    ['FORGED', stranger.signed(report({}))],
    ['FORGED', hierarchy.signed({ ...report({}), hierarchyId: (await desk.enrolled()).id })],
    ['MALFORMED', hierarchy.sign(payloadTypes.facts, Buffer.from('{}'))],
  ];
  for (const [index, [code, envelope]] of cases.entries()) {
    const { refused, receipts } = await desk.send(envelope);
    assert.deepEqual([refused[0]?.code, receipts.length], [code, 0], `case ${index}: ${refused[0]?.message}`);
    assert.ok((refused[0]?.message.length ?? 0) <= 2000);
  }
  assert.deepEqual(rowsOf(desk.databasePath, allRows), []);
});

test('reports in any order and any number of times leave the same rows', async (context) => {
  const desk = await newDesk(context);
  const sent = await desk.enrolled();
  const reports = [
    sent.next(),
    sent.next({ sites: [reportedSite('A'), reportedSite('B')] }),
    sent.next({ sequence: 7 }),
  ];
  sent.restore(digestOfReport(reports[0] as UsageReport));
  reports.push(sent.next(), sent.next({ level: 'full', sites: [] }));
  let expected: unknown;
  let runs = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.shuffledSubarray([...reports.keys()], { minLength: reports.length }),
      fc.array(fc.nat({ max: reports.length - 1 }), { maxLength: 4 }),
      async (order, again) => {
        runs += 1;
        const path = `${desk.databasePath}-${runs}`;
        const fresh = await SqliteCloudDatabase.open(path);
        await fresh.addCodes([{ sha256: 'c'.repeat(64), createdAt: 1 }]);
        await fresh.enrol({
          codeSha256: 'c'.repeat(64),
          hierarchyId: sent.id,
          statement: new Uint8Array([1]),
          statementSequence: 1,
          operatingKey: '1'.repeat(64),
          at: 1,
        });
        const seen = new Set<number>();
        for (const index of [...order, ...again]) {
          const report = reports[index] as UsageReport;
          const verdict = await fresh.acceptReport(
            report,
            { sha256: digestOfReport(report), sizeBytes: 1 },
            1,
          );
          assert.equal(verdict.kind, seen.has(index) ? 'repeated' : 'accepted');
          seen.add(index);
        }
        const rows = rowsOf(path, allRows);
        expected ??= rows;
        assert.deepEqual(rows, expected);
        assert.deepEqual(
          (await fresh.usage.reports(sent.id)).map(({ gap }) => gap),
          reports.map(() => false),
        );
        await fresh.close();
      },
    ),
    propertyRuns(20),
  );
});

test('the same report again is receipted again, with the instant of the first time', async (context) => {
  let told = 0;
  const desk = await newDesk(context, { onReports: () => (told += 1) });
  const hierarchy = await desk.enrolled();
  const envelope = hierarchy.signed(hierarchy.next());
  const first = await desk.send(envelope);
  desk.cloud.clock.offsetMs += 100_000;
  // As after a death between the commit and the answer: the site never heard of the first.
  assert.deepEqual((await desk.send(envelope)).receipts, first.receipts);
  assert.equal(rowsOf(desk.databasePath, allRows).length, 1);
  assert.equal(told, 1);
});

for (const [sign, code] of [
  ['same-number', 'CONFLICT'],
  ['same-predecessor', 'COPIED'],
] as const) {
  test(`a copy of a hierarchy shows by two reports with the ${sign.replace('-', ' ')}, and is quarantined until released`, async (context) => {
    const desk = await newDesk(context);
    const hierarchy = await desk.enrolled();
    const first = hierarchy.next();
    const own = hierarchy.next();
    const other: UsageReport = {
      ...own,
      fixedAt: '2026-11-24T01:00:00Z',
      sequence: sign === 'same-number' ? own.sequence : own.sequence + 10,
      ...(sign === 'same-number' ? { previous: digest('d'.repeat(64)) } : {}),
    };
    await desk.send(hierarchy.signed(first), hierarchy.signed(own));
    const stored = rowsOf(desk.databasePath, allRows);
    const { refused, receipts } = await desk.send(hierarchy.signed(other));
    assert.deepEqual([refused[0]?.code, receipts.length], [code, 0]);
    assert.match(refused[0]?.message ?? '', /new identity/);
    assert.deepEqual(rowsOf(desk.databasePath, allRows), stored, 'what came first stays');
    const later = hierarchy.signed(hierarchy.next());
    assert.equal((await desk.send(later)).refused[0]?.code, 'QUARANTINED');
    assert.equal(
      (await desk.send(hierarchy.signed(own))).receipts.length,
      1,
      'what was counted is receipted',
    );

    assert.ok(await desk.database.usage.release(hierarchy.id, { at: 5, who: 'somebody' }));
    assert.ok(!(await desk.database.usage.release(hierarchy.id, { at: 6, who: 'somebody' })));
    assert.equal((await desk.send(later)).receipts.length, 1);
    assert.equal(
      (await desk.send(hierarchy.signed(other))).refused[0]?.code,
      code,
      'and again while it is there',
    );
    assert.deepEqual(
      (await desk.database.usage.audit(10)).map(({ act, who, hierarchyId }) => [act, who, hierarchyId]),
      [
        ['quarantined', 'cloud service', hierarchy.id],
        ['released', 'somebody', hierarchy.id],
        ['quarantined', 'cloud service', hierarchy.id],
      ],
    );
  });
}

test('a restored hierarchy goes on from wherever its backup was, in a higher epoch', async (context) => {
  const desk = await newDesk(context);
  const hierarchy = await desk.enrolled();
  const [first, second, third] = [hierarchy.next(), hierarchy.next(), hierarchy.next()];
  hierarchy.restore(digestOfReport(first));
  const restored = [hierarchy.next(), hierarchy.next()];
  for (const report of [first, second, ...restored, third]) {
    assert.equal((await desk.send(hierarchy.signed(report))).receipts.length, 1);
  }
  // Two restores of one backup are two hierarchies in one epoch.
  hierarchy.restore(digestOfReport(first));
  hierarchy.epoch = 2;
  const twin = hierarchy.next({ fixedAt: '2026-12-01T00:00:00Z' });
  assert.equal((await desk.send(hierarchy.signed(twin))).refused[0]?.code, 'CONFLICT');
});

test('a report whose predecessor is not here is taken, and the gap is shown until it closes', async (context) => {
  const desk = await newDesk(context);
  const hierarchy = await desk.enrolled();
  const [first, second, third] = [hierarchy.next(), hierarchy.next(), hierarchy.next()];
  await desk.send(hierarchy.signed(first), hierarchy.signed(third));
  const gaps = async () => (await desk.database.usage.reports(hierarchy.id)).map(({ gap }) => gap);
  assert.deepEqual(await gaps(), [false, true]);
  await desk.send(hierarchy.signed(second));
  assert.deepEqual(await gaps(), [false, false, false]);
});
