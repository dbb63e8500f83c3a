import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { hierarchyId, siteCode } from '@sallyport/core/shared/ids';
import { recordHash } from '@sallyport/core/wire/record-hash';
import { caseFolders } from '../../../test-support/case-folders.ts';
import { assertExplained } from '../../../test-support/disk-faults.ts';
import { noSmallDisk, smallDisk } from '../../../test-support/small-disk.ts';
import { nodeDigests } from '../../compute/digest.ts';
import type { SiteDatabase } from '../../ports/site-database.ts';
import { FileDatabaseBackups } from '../files/backups.ts';
import { SqliteCloudDatabase } from './cloud/cloud-database.ts';
import { ChangeNotes } from './change-notes.ts';
import { Connection } from './connection.ts';
import { prepared, SqliteSiteDatabase, tablesOf } from './site-database.ts';
import { fileDatabase } from './test-support/databases.ts';

const site = siteCode('PRI');
const skip = noSmallDisk();
const needsDisk = skip === undefined ? {} : { skip };
const pageBytes = 4096;

/** Two halves that belong together, of which one needs many pages. */
function put(database: SiteDatabase, n: number): void {
  database.write(({ records, settings }) => {
    records.putOwn('site-status', 'k', { n, filler: 'x'.repeat(3 * pageBytes) }, n);
    settings.put('n', n);
  });
}

function assertAt(database: SiteDatabase, n: number): void {
  database.read(({ records, settings }) => {
    assert.equal(settings.get('n'), n);
    assert.equal(records.head(), n);
  });
}

test('a site database that fills up at any page takes a transaction whole or not at all, and goes on when there is room', async (t) => {
  const folder = await (await caseFolders(t))();
  const path = join(folder, 'site.db');
  const writer = prepared(new Connection(path, 'write'), path, site);
  const reader = new Connection(path, 'read');
  const options = {
    site,
    hashRecord: (fields: Parameters<typeof recordHash>[0]) => recordHash(fields, nodeDigests.of),
  };
  const notes = new ChangeNotes();
  const database = new SqliteSiteDatabase({
    path,
    writer,
    reader,
    writeTables: tablesOf(writer, options, notes),
    readTables: tablesOf(reader, options),
    notes,
    backup: () => Promise.reject(new Error('not used')),
    close: () => [reader, writer].forEach((connection) => connection.close()),
  });
  t.after(() => database.close());
  put(database, 1);
  const limit = (pages: number): unknown => writer.database.exec(`PRAGMA max_page_count = ${pages}`);
  let n = 1;
  let refused = 0;
  for (let extra = 0; extra < 12; extra += 1) {
    limit(Number(writer.get('PRAGMA page_count')?.['page_count']) + extra);
    // Something else that takes the room away, more each time.
    const grow = (): void =>
      database.write(({ settings }) => settings.put(`s${extra}`, 'y'.repeat(extra * pageBytes)));
    for (const step of [() => put(database, n + 1), grow]) {
      try {
        step();
        if (step !== grow) n += 1;
      } catch (failure) {
        refused += 1;
        assertExplained(failure, path, ['UNWRITABLE']);
      }
      assertAt(database, n);
    }
    limit(1_000_000);
    put(database, n + 1);
    n += 1;
    assertAt(database, n);
    assert.equal(writer.get('PRAGMA integrity_check')?.['integrity_check'], 'ok');
  }
  assert.ok(refused >= 3, `refused ${refused} times`);
  writer.database.exec('PRAGMA query_only = 1');
  assert.throws(
    () => put(database, n + 1),
    (failure: Error) => {
      assertExplained(failure, path, ['UNWRITABLE']);
      return failure.message.includes('read-only');
    },
  );
  writer.database.exec('PRAGMA query_only = 0');
  put(database, n + 1);
});

test(
  'a disk that is full under the databases of a site and of a vendor is named, loses nothing, and a restart is not needed',
  needsDisk,
  async (t) => {
    const disk = smallDisk(t, 4_000_000);
    const path = join(disk.folder, 'database', 'site.db');
    const site1 = fileDatabase(path, 'PRI');
    t.after(() => site1.close());
    const cloudPath = join(disk.folder, 'cloud.db');
    const cloud = await SqliteCloudDatabase.open(cloudPath);
    t.after(() => cloud.close());
    put(site1, 1);
    let n = 1;
    let codes = 0;
    const add = (): Promise<void> =>
      cloud.addCodes(
        Array.from({ length: 50 }, (_, index) => ({
          sha256: String(codes * 50 + index).padStart(64, '0'),
          createdAt: 1,
        })),
      );
    let refused = 0;
    const troubles = [0, 1, 2, 4, 8, 16].map((pages) => () => disk.fill(pages * pageBytes));
    for (const trouble of troubles) {
      trouble();
      for (let attempt = 0; attempt < 3; attempt += 1) {
        try {
          put(site1, n + 1);
          n += 1;
        } catch (failure) {
          refused += 1;
          assertExplained(failure, path, ['UNWRITABLE']);
        }
        try {
          await add();
          codes += 1;
        } catch (failure) {
          refused += 1;
          assertExplained(failure, cloudPath, ['UNWRITABLE']);
        }
        assertAt(site1, n);
        assert.equal((await cloud.codes()).length, codes * 50);
      }
      disk.makeRoom();
      put(site1, n + 1);
      n += 1;
      await add();
      codes += 1;
      assertAt(site1, n);
    }
    assert.ok(refused >= 10, `refused ${refused} times`);
    assert.equal(await cloud.hierarchy(hierarchyId('a'.repeat(64))), undefined);
  },
);

test(
  'databases that cannot be made or backed up for want of room are, once there is some',
  needsDisk,
  async (t) => {
    const disk = smallDisk(t, 3_000_000);
    let made = 0;
    for (const pages of [0, 1, 2, 5, 10, 20, 40]) {
      const folder = join(disk.folder, String(pages));
      mkdirSync(folder);
      disk.fill(pages * pageBytes);
      const open = async (): Promise<void> => {
        const database = fileDatabase(join(folder, 'database', 'site.db'), 'PRI');
        try {
          put(database, 1);
          await new FileDatabaseBackups({ folder: join(folder, 'backup'), database }).make('before-1');
        } finally {
          database.close();
        }
        await (await SqliteCloudDatabase.open(join(folder, 'cloud.db'))).close();
      };
      try {
        await open();
        made += 1;
      } catch (failure) {
        assertExplained(failure, folder, ['UNWRITABLE', 'UNREADABLE', 'DISK_FULL', 'BROKEN_DATABASE']);
      }
      disk.makeRoom();
      const before = (await readdir(join(folder, 'backup')).catch(() => [])).length;
      assert.ok(before <= 1, 'no beginning of a backup is left');
      if (before === 0) {
        const database = fileDatabase(join(folder, 'database', 'site.db'), 'PRI');
        put(database, 2);
        await new FileDatabaseBackups({ folder: join(folder, 'backup'), database }).make('before-1');
        database.close();
        await (await SqliteCloudDatabase.open(join(folder, 'cloud.db'))).close();
      }
      assert.deepEqual(await readdir(join(folder, 'backup')), ['before-1.db']);
    }
    assert.ok(made < 7, 'the disk was full at least once');
  },
);
