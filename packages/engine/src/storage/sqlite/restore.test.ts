import assert from 'node:assert/strict';
import { copyFile, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { siteCode } from '@sallyport/core/shared/ids';
import { temporaryFolder } from '../../../test-support/temporary-folder.ts';
import type { SiteDatabase } from '../../ports/site-database.ts';
import { restoreSiteDatabase, type RestoreOptions } from './restore.ts';
import { fileDatabase } from './test-support/databases.ts';

const own = ({ records }: Parameters<Parameters<SiteDatabase['read']>[0]>[0]) => records;

interface Stage {
  readonly path: string;
  readonly backup: string;
  readonly folder: string;
  restore(more?: Partial<RestoreOptions> | 'as it is'): ReturnType<typeof restoreSiteDatabase>;
  open(): SiteDatabase;
}

/** A database with one setting, a backup of it, and a second setting that was written since. */
async function stage(t: TestContext, code = 'P01'): Promise<Stage> {
  const folder = await temporaryFolder(t);
  const path = join(folder, 'database', 'site.db');
  const backup = join(folder, 'backup', 'before.db');
  const database = fileDatabase(path, code);
  database.write(({ settings }) => settings.put('first', 1));
  await database.backup(backup);
  database.write(({ settings }) => settings.put('since', 2));
  database.close();
  return {
    path,
    backup,
    folder,
    restore: (more = {}) =>
      restoreSiteDatabase({
        path,
        ...(more === 'as it is' ? {} : { from: backup }),
        backupFolder: join(folder, 'backup'),
        stamp: 'now',
        site: siteCode(code),
        hashRecord: ({ owner, kind, key, epoch, n }) => `${owner}${kind}${key}${epoch}${n}`,
        epochMin: 1,
        knownEpoch: (held) => held.read((tables) => own(tables).epoch()),
        ...(more === 'as it is' ? {} : more),
      }),
    open: () => fileDatabase(path, code),
  };
}

test('a backup comes into force in a higher epoch, and what it replaces is kept', async (t) => {
  const { restore, open, folder } = await stage(t);
  const { epoch, replaced } = await restore();
  assert.equal(epoch, 2);
  const restored = open();
  t.after(() => restored.close());
  assert.equal(
    restored.read(({ settings }) => settings.get('first')),
    1,
  );
  assert.equal(
    restored.read(({ settings }) => settings.get('since')),
    undefined,
  );
  assert.equal(
    restored.read((tables) => own(tables).epoch()),
    2,
  );
  assert.ok(replaced !== undefined);
  const kept = fileDatabase(replaced, 'P01');
  assert.equal(
    kept.read(({ settings }) => settings.get('since')),
    2,
  );
  kept.close();
  assert.deepEqual(
    (await readdir(join(folder, 'database'))).filter((name) => name.endsWith('.tmp')),
    [],
  );
});

test('the epoch is above that of the database which is replaced, also when the same backup comes back twice', async (t) => {
  const { restore } = await stage(t);
  assert.equal((await restore()).epoch, 2);
  assert.equal((await restore({ stamp: 'later' })).epoch, 3);
  assert.equal((await restore({ stamp: 'last', epochMin: 9 })).epoch, 9);
});

test('without a backup the database that is there goes on in a higher epoch', async (t) => {
  const { restore, open } = await stage(t);
  const { epoch, replaced } = await restore('as it is');
  assert.deepEqual([epoch, replaced], [2, undefined]);
  const database = open();
  t.after(() => database.close());
  assert.equal(
    database.read(({ settings }) => settings.get('since')),
    2,
  );
});

test('a database that is damaged or gone is replaced all the same', async (t) => {
  const { restore, open, path } = await stage(t);
  await truncate(path, 100);
  await writeFile(`${path}-wal`, 'no write-ahead log');
  const { replaced } = await restore();
  assert.match(replaced ?? '', /damaged-now-site\.db$/);
  await rm(path);
  assert.deepEqual(await restore({ stamp: 'again' }), { epoch: 2 }, 'nothing was there to keep');
  open().close();
});

test('a backup of another site, and one that is not there, leave everything as it was', async (t) => {
  const { restore, open, folder } = await stage(t);
  const other = await stage(t, 'P02');
  await assert.rejects(restore({ from: other.backup }), {
    code: 'WRONG_SITE',
    message: new RegExp(`^the backup ${other.backup} belongs to site [A-Z0-9]{3}, not `),
  });
  await assert.rejects(restore({ from: import.meta.filename }), {
    code: 'UNREADABLE',
    message: new RegExp(
      `^${import.meta.filename} is no database of a site .*name a file of the site's folder`,
    ),
  });
  await assert.rejects(restore({ from: join(folder, 'none.db') }), {
    code: 'NO_BACKUP',
    message: /none\.db cannot be copied .* name a file of the site's folder "backup"/,
  });
  const database = open();
  t.after(() => database.close());
  assert.equal(
    database.read(({ settings }) => settings.get('since')),
    2,
  );
  assert.equal(
    database.read((tables) => own(tables).epoch()),
    1,
  );
});

test('what a killed server had committed comes back from a copy of its folder', async (t) => {
  const { restore, open, path, folder } = await stage(t);
  const killed = open();
  killed.write(({ settings }) => settings.put('at last', 3));
  const copy = join(folder, 'copied.db');
  await copyFile(path, copy);
  await copyFile(`${path}-wal`, `${copy}-wal`);
  killed.close();
  await restore({ from: copy });
  const restored = open();
  t.after(() => restored.close());
  assert.equal(
    restored.read(({ settings }) => settings.get('at last')),
    3,
  );
});

test('nothing is replaced while somebody keeps the write-ahead log in use', async (t) => {
  const { restore, open } = await stage(t);
  const reader = open();
  reader.write(({ settings }) => settings.put('open', true));
  await assert.rejects(restore(), { code: 'UNWRITABLE', message: /nothing was changed: make room/ });
  reader.close();
  assert.equal((await restore()).epoch, 2);
});
