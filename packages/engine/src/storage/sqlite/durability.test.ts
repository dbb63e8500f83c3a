import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { DatabaseSync } from 'node:sqlite';
import { siteCode } from '@sallyport/core/shared/ids';
import { Connection } from './connection.ts';
import { migrate } from './migrate.ts';
import { siteMigrations } from './migrations.ts';
import { fileDatabase, memoryDatabase } from './test-support/databases.ts';

let folder = '';
let path = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-db-'));
  path = join(folder, 'database', 'site.db');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const writer = new URL('./test-support/writer-process.ts', import.meta.url);

test('what was answered survives a kill in the middle of writing', async () => {
  for (let round = 1; round <= 3; round += 1) {
    const child = fork(writer, [path, 'PRI']);
    let acknowledged = 0;
    const enough = 40 * round;
    child.on('message', (value) => {
      acknowledged = Number(value);
      if (acknowledged >= enough) {
        child.kill('SIGKILL');
      }
    });
    await once(child, 'exit');
    const database = fileDatabase(path, 'PRI');
    const { count, head, kept } = database.read(({ records, settings }) => ({
      count: records.usage([siteCode('PRI')]).count,
      head: records.head(),
      kept: Number(settings.get('count')),
    }));
    assert.ok(kept >= acknowledged, `${kept} kept of ${acknowledged} acknowledged`);
    assert.equal(count, kept, 'both halves of a transaction are there');
    assert.equal(head, kept);
    database.close();
  }
});

test('processes that start at once make one schema', async () => {
  const children = Array.from({ length: 6 }, () => fork(writer, [path, 'PRI', 'open-only']));
  const codes = await Promise.all(children.map(async (child) => (await once(child, 'exit'))[0] as number));
  assert.deepEqual(
    codes,
    codes.map(() => 0),
  );
  const database = new DatabaseSync(path);
  const steps = database.prepare('SELECT number FROM migration ORDER BY number').all();
  database.close();
  assert.deepEqual(
    steps.map((row) => row['number']),
    siteMigrations.map(({ number }) => number),
  );
});

test('a full disk is named with place and remedy, loses nothing, and is gone when there is room', () => {
  const connection = new Connection(join(folder, 'small.db'), 'write');
  connection.database.exec('CREATE TABLE kept (text TEXT) STRICT');
  const pages = Number(connection.get('PRAGMA page_count')?.['page_count']);
  const put = (): number =>
    connection.transaction('BEGIN IMMEDIATE', () =>
      connection.run('INSERT INTO kept VALUES (?)', 'x'.repeat(100_000)),
    );
  connection.database.exec(`PRAGMA max_page_count = ${pages + 1}`);
  assert.throws(put, (error: Error) => {
    assert.match(error.message, /small\.db cannot be written: the disk is full: make room on it/);
    return 'code' in error && error.code === 'UNWRITABLE';
  });
  assert.equal(connection.get('SELECT count(*) AS count FROM kept')?.['count'], 0);
  connection.database.exec('PRAGMA max_page_count = 1000');
  assert.equal(put(), 1);
  connection.close();
});

test('steps are numbered from 1 without gaps', () => {
  assert.deepEqual(
    siteMigrations.map(({ number }) => number),
    siteMigrations.map((_, index) => index + 1),
  );
});

test('a newer schema is refused when it breaks what is here, and used when it only adds', () => {
  fileDatabase(path, 'PRI').close();
  const next = siteMigrations.length + 1;
  const connection = new Connection(path, 'write');
  migrate(connection, [
    ...siteMigrations,
    { number: next, name: 'more', breaking: false, sql: 'CREATE TABLE more (a INTEGER) STRICT' },
  ]);
  fileDatabase(path, 'PRI').close();
  migrate(connection, [
    ...siteMigrations,
    { number: next, name: 'more', breaking: false, sql: '' },
    { number: next + 1, name: 'otherwise', breaking: true, sql: 'CREATE TABLE otherwise (a INTEGER) STRICT' },
  ]);
  connection.close();
  assert.throws(() => fileDatabase(path, 'PRI'), { code: 'NEWER_SCHEMA' });
});

test('a step that fails leaves the schema as it was', () => {
  const connection = new Connection(join(folder, 'other.db'), 'write');
  const broken = [
    { number: 1, name: 'broken', breaking: false, sql: 'CREATE TABLE a (b INTEGER) STRICT; CREATE TABEL x' },
  ];
  assert.throws(() => migrate(connection, broken));
  assert.deepEqual(connection.all(`SELECT name FROM sqlite_master`), []);
  connection.close();
});

test('the database of another site and a file that is no database are refused', () => {
  fileDatabase(path, 'PRI').close();
  assert.throws(() => fileDatabase(path, 'SEC'), { code: 'WRONG_SITE' });
  const text = join(folder, 'text.db');
  writeFileSync(text, 'this is no database, '.repeat(100));
  assert.throws(() => fileDatabase(text, 'PRI'), { code: 'UNREADABLE' });
});

test('a backup is one consistent, usable database, made while others write', async () => {
  const database = fileDatabase(path, 'PRI');
  const put = (n: number) =>
    database.write(({ records, settings }) => {
      records.putOwn('site-status', `k${n}`, { n, filler: 'x'.repeat(2000) }, 1);
      settings.put('count', n);
    });
  for (let n = 1; n <= 300; n += 1) {
    put(n);
  }
  const target = join(folder, 'backup', 'copy.db');
  const running = database.backup(target);
  for (let n = 301; n <= 320; n += 1) {
    put(n);
  }
  await running;
  database.close();
  assert.deepEqual(readdirSync(join(folder, 'backup')), ['copy.db']);
  const copy = fileDatabase(target, 'PRI');
  const { count, usage } = copy.read(({ records, settings }) => ({
    count: settings.get('count'),
    usage: records.usage([siteCode('PRI')]),
  }));
  assert.ok(Number(count) >= 300);
  assert.equal(usage.count, count);
  copy.close();
});

test('a database in memory can be backed up too', async () => {
  const database = memoryDatabase('PRI');
  database.write(({ settings }) => settings.put('a', 1));
  await database.backup(join(folder, 'copy.db'));
  database.close();
  const copy = fileDatabase(join(folder, 'copy.db'), 'PRI');
  assert.equal(
    copy.read(({ settings }) => settings.get('a')),
    1,
  );
  copy.close();
});
