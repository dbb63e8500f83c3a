import assert from 'node:assert/strict';
import { test } from 'node:test';
import { digest } from '@sallyport/core/shared/ids';
import type { FixedUsageReport } from '../../ports/usage-reports.ts';
import { Connection } from './connection.ts';
import { prepared } from './site-database.ts';
import { everyDatabase } from './test-support/databases.ts';
import { siteCode } from '@sallyport/core/shared/ids';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

function report(sequence: number, epoch = 1): FixedUsageReport {
  return {
    epoch,
    sequence,
    level: 'full',
    fixedAt: 1000 + sequence,
    payload: new Uint8Array([epoch, sequence]),
    payloadSha256: digest(String(sequence).padStart(64, '0')),
  };
}

for (const [where, open] of Object.entries(everyDatabase())) {
  test(`${where}: reports wait in order with their bytes, until they are settled`, (t) => {
    const database = open('CAS');
    t.after(() => database.close());
    database.write(({ reports }) =>
      [report(2), report(1), report(1, 2)].forEach((each) => reports.add(each)),
    );
    const waiting = () => database.read(({ reports }) => reports.waiting());
    assert.deepEqual(
      waiting().map(({ epoch, sequence, payload }) => [epoch, sequence, ...payload]),
      [
        [1, 1, 1, 1],
        [1, 2, 1, 2],
        [2, 1, 2, 1],
      ],
    );
    assert.deepEqual(
      database.read(({ reports }) => reports.backlog()),
      { count: 3, sizeBytes: 6 },
    );
    database.write(({ reports }) => {
      reports.noteSent(report(1), 5000);
      reports.noteSent(report(1), 6000);
      reports.settle(report(1), { state: 'acknowledged', at: 7000 });
      reports.settle(report(2), { state: 'refused', at: 8000, reason: 'OLDER: no' });
    });
    assert.deepEqual(
      waiting().map(({ epoch, sequence }) => [epoch, sequence]),
      [[2, 1]],
    );
    const history = database.read(({ reports }) => reports.history(10));
    assert.deepEqual(
      history.map(({ epoch, sequence, state, sentAt, settledAt, reason }) => [
        epoch,
        sequence,
        state,
        sentAt,
        settledAt,
        reason,
      ]),
      [
        [2, 1, 'waiting', undefined, undefined, undefined],
        [1, 2, 'refused', undefined, 8000, 'OLDER: no'],
        [1, 1, 'acknowledged', 5000, 7000, undefined],
      ],
    );
  });

  test(`${where}: bytes never change once they were sent, and only the newest acknowledged ones are kept`, (t) => {
    const database = open('CAS');
    t.after(() => database.close());
    const other = (sequence: number): FixedUsageReport => ({
      ...report(sequence),
      level: 'basic',
      payload: new Uint8Array([9, 9, 9]),
      payloadSha256: digest('f'.repeat(64)),
    });
    database.write(({ reports }) => {
      for (const sequence of [1, 2, 3]) reports.add(report(sequence));
      reports.noteSent(report(1), 1);
      reports.replace(other(1));
      reports.replace(other(2));
    });
    const sizes = () =>
      database.read(({ reports }) =>
        reports.waiting().map(({ payload, sizeBytes }) => [payload.length, sizeBytes]),
      );
    assert.deepEqual(sizes(), [
      [2, 2],
      [3, 3],
      [2, 2],
    ]);
    database.write(({ reports }) => {
      for (const sequence of [1, 2]) reports.settle(report(sequence), { state: 'acknowledged', at: 5 });
    });
    const newest = database.read(({ reports }) => reports.newestAcknowledged());
    assert.deepEqual([newest?.sequence, newest?.payload?.length], [2, 3]);
    database.write(({ reports }) =>
      reports.settle(report(3), { state: 'dropped', at: 5, reason: 'lowered' }),
    );
    assert.equal(database.read(({ reports }) => reports.newestAcknowledged())?.payload?.length, 3);
    assert.equal(database.read(({ reports }) => reports.newest())?.sequence, 3);
  });
}

test('the database itself refuses to change the audit log, or to forget of it', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-audit-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'site.db');
  const connection = prepared(new Connection(path, 'write'), path, siteCode('CAS'));
  t.after(() => connection.close());
  connection.run(
    `INSERT INTO audit (at, by, action, text, data) VALUES (1, 'ada', 'usage-level', 'so', '{}')`,
  );
  assert.throws(() => connection.run(`UPDATE audit SET by = 'eve'`), /append-only/);
  assert.throws(() => connection.run('DELETE FROM audit'), /append-only/);
  assert.equal(connection.get('SELECT by FROM audit')?.['by'], 'ada');
});
