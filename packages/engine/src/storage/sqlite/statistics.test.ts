import assert from 'node:assert/strict';
import { test } from 'node:test';
import { packageGuid, siteCode } from '@sallyport/core/shared/ids';
import { temporaryFolder } from '../../../test-support/temporary-folder.ts';
import type { SiteDatabase, StatisticReads } from '../../ports/site-database.ts';
import { everyDatabase, fileDatabase } from './test-support/databases.ts';

const cas = siteCode('CAS');
const pr1 = siteCode('PR1');
const guids = [1, 2].map((digit) => packageGuid(`00000000-0000-4000-8000-00000000000${digit}`));

function asked<T>(database: SiteDatabase, work: (statistics: StatisticReads) => T): T {
  return database.read(({ statistics }) => work(statistics));
}

/** `count` events of each package, a second apart, the packages in turns. */
function happens(database: SiteDatabase, site: typeof cas, count: number): void {
  database.write(({ updates }) => {
    for (let sequence = 1; sequence <= count; sequence += 1) {
      for (const [index, guid] of guids.entries()) {
        updates.append({
          guid,
          site,
          attempt: 0,
          sequence,
          event: sequence % 2 === 1 ? 'applicable' : 'hidden',
          at: sequence * 1000 + index,
          data: {},
        });
      }
    }
  });
}

for (const [how, open] of Object.entries(everyDatabase())) {
  test(`${how}: counts rows of every table, up to the limit`, (t) => {
    const database = open('CAS');
    t.after(() => database.close());
    const rowsOf = (table: string, rowsMax = 1000) =>
      asked(database, (statistics) => statistics.tables(rowsMax)).find((each) => each.table === table)?.rows;
    assert.equal(rowsOf('update_event'), 0);
    assert.equal(rowsOf('setting'), 0);
    assert.equal(rowsOf('site_self'), 1);
    happens(database, cas, 4);
    assert.equal(rowsOf('update_event'), 8);
    assert.equal(rowsOf('update_event', 5), 5);
    const names = asked(database, (statistics) => statistics.tables(1)).map(({ table }) => table);
    assert.deepEqual(names, names.toSorted());
    assert.ok(!names.some((name) => name.startsWith('sqlite_')));
  });

  test(`${how}: says the size of its pages, and what of them is free`, (t) => {
    const database = open('CAS');
    t.after(() => database.close());
    const size = () => asked(database, (statistics) => statistics.size());
    const before = size();
    assert.ok(before.fileBytes > 0 && before.fileBytes % 512 === 0);
    database.write(({ settings }) => settings.put('big', 'x'.repeat(200_000)));
    assert.ok(size().fileBytes >= before.fileBytes + 190_000);
    database.write(({ settings }) => settings.remove('big'));
    assert.ok(size().freeBytes >= 190_000);
  });

  test(`${how}: knows the step of its schema`, (t) => {
    const database = open('CAS');
    t.after(() => database.close());
    const [steps] = asked(database, (statistics) =>
      statistics.tables(1000).filter(({ table }) => table === 'migration'),
    );
    assert.equal(
      asked(database, (statistics) => statistics.schemaStep()),
      steps?.rows,
    );
  });

  test(`${how}: counts records by kind, own ones and others, up to the limit`, (t) => {
    const database = open('CAS');
    t.after(() => database.close());
    const kinds = (recordsMax = 1000) => asked(database, (statistics) => statistics.recordKinds(recordsMax));
    assert.deepEqual(kinds(), []);
    const body = { text: 'ä'.repeat(50) };
    database.write(({ records }) => {
      records.putOwn('site-status', 'one', body, 1);
      records.putOwn('site-status', 'two', {}, 1);
      records.putOwn('order', '1', {}, 1);
    });
    const other = open('PR1');
    t.after(() => other.close());
    const foreign = other.write(({ records }) => records.putOwn('site-status', 'one', {}, 1));
    database.write(({ records }) => records.apply(pr1, [foreign], 1));
    const bytes = Buffer.byteLength(JSON.stringify(body));
    assert.deepEqual(kinds(), [
      { kind: 'order', own: true, count: 1, bytes: 2, largestBytes: 2 },
      { kind: 'site-status', own: true, count: 2, bytes: bytes + 2, largestBytes: bytes },
      { kind: 'site-status', own: false, count: 1, bytes: 2, largestBytes: 2 },
    ]);
    assert.deepEqual(
      kinds(1).map(({ kind, count }) => [kind, count]),
      [
        ['order', 1],
        ['site-status', 1],
      ],
    );
  });

  test(`${how}: counts settings and their bytes`, (t) => {
    const database = open('CAS');
    t.after(() => database.close());
    const settings = () => asked(database, (statistics) => statistics.settings());
    assert.deepEqual(settings(), { count: 0, bytes: 0 });
    database.write((tables) => tables.settings.put('a', { b: 'ä' }));
    assert.deepEqual(settings(), { count: 1, bytes: 10 });
  });

  test(`${how}: gives one site's events since a time, the newest of many, oldest first`, (t) => {
    const database = open('CAS');
    t.after(() => database.close());
    const times = (since: number, eventsMax: number, site = cas) =>
      asked(database, (statistics) => statistics.eventsSince(site, since, eventsMax)).map(({ at }) => at);
    const first = (site = cas) => asked(database, (statistics) => statistics.firstEventAt(site));
    assert.equal(first(), undefined);
    happens(database, cas, 3);
    const all = [1000, 1001, 2000, 2001, 3000, 3001];
    assert.deepEqual(times(0, 100), all);
    assert.deepEqual(times(2001, 100), [2001, 3000, 3001]);
    assert.deepEqual(times(0, 2), [3000, 3001]);
    assert.deepEqual(times(0, 100, pr1), []);
    assert.equal(first(), 1000);
    assert.equal(first(pr1), undefined);
    const [whole] = asked(database, (statistics) => statistics.eventsSince(cas, 3001, 9));
    assert.deepEqual(whole, database.read(({ updates }) => updates.events({ site: cas })).at(-1));
  });
}

test('says how large the write-ahead log is, where there is one', async (t) => {
  const database = fileDatabase(`${await temporaryFolder(t)}/site.db`, 'CAS');
  t.after(() => database.close());
  const log = () => asked(database, (statistics) => statistics.size()).walBytes;
  const before = log();
  database.write(({ settings }) => settings.put('big', 'x'.repeat(100_000)));
  assert.ok(log() > before + 90_000);
});
