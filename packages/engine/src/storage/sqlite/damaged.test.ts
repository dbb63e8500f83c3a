import assert from 'node:assert/strict';
import { randomFillSync } from 'node:crypto';
import { mkdtempSync, openSync, closeSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { fileDatabase } from './test-support/databases.ts';

const pageBytes = 4096;

/** A closed database of many pages. */
function closedDatabase(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-damaged-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'site.db');
  const database = fileDatabase(path, 'CAS');
  for (let n = 0; n < 50; n += 1) {
    database.write(({ records }) => records.putOwn('site-status', `k${n}`, { filler: 'x'.repeat(3000) }, n));
  }
  database.close();
  return path;
}

function damage(path: string, at: number, bytes: number): void {
  const file = openSync(path, 'r+');
  writeSync(file, randomFillSync(new Uint8Array(bytes)), 0, bytes, at);
  closeSync(file);
}

test('a database that the disk has damaged is not opened, and the file and the way back are named', (t) => {
  for (const at of [0, 20 * pageBytes]) {
    const path = closedDatabase(t);
    assert.ok(statSync(path).size > 30 * pageBytes);
    damage(path, at, 3000);
    assert.throws(
      () => fileDatabase(path, 'CAS'),
      (error: Error & { code?: string }) => {
        assert.equal(error.code, 'UNREADABLE');
        assert.match(
          error.message,
          /site\.db is damaged \(.+\): stop the server, .*sallyport site restore --from/,
        );
        return true;
      },
      `at ${at}`,
    );
  }
});

test('damage that comes to a database in use is named by whoever meets it', (t) => {
  const path = closedDatabase(t);
  const database = fileDatabase(path, 'CAS');
  t.after(() => database.close());
  for (let page = 3; page < 40; page += 1) damage(path, page * pageBytes, pageBytes);
  assert.throws(() => database.read(({ records }) => records.list({})), {
    code: 'UNREADABLE',
    message: /is damaged/,
  });
});
