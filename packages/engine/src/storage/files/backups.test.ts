import assert from 'node:assert/strict';
import { readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../../../test-support/temporary-folder.ts';
import { fileDatabase } from '../sqlite/test-support/databases.ts';
import { FileDatabaseBackups } from './backups.ts';

test('a backup opens as a database with what was in it', async (t) => {
  const folder = await temporaryFolder(t);
  const database = fileDatabase(join(folder, 'site.db'), 'PR1');
  t.after(() => database.close());
  database.write(({ settings }) => settings.put('kept', { value: 1 }));
  const path = await new FileDatabaseBackups({ folder: join(folder, 'backup'), database }).make(
    'before-1.0.0',
  );
  database.write(({ settings }) => settings.put('kept', { value: 2 }));
  const copy = fileDatabase(path, 'PR1');
  t.after(() => copy.close());
  assert.deepEqual(
    copy.read(({ settings }) => settings.get('kept')),
    { value: 1 },
  );
});

test('keeps the newest three of a family, the one just made among them, and files of other kinds', async (t) => {
  const folder = await temporaryFolder(t);
  const names = [
    'before-1.db',
    'before-2.db',
    'before-3.db',
    'nightly-1.db',
    'before-notes.txt',
    '.before-4.db.4a6f.tmp',
    '.before-3.db.77c1.tmp-journal',
  ];
  for (const [index, name] of names.entries()) {
    await writeFile(join(folder, name), '');
    // The oldest has the highest number, so that names cannot stand in for times.
    await utimes(join(folder, name), 1_000_000, 1_000_000 - index);
  }
  const database = { backup: (path: string) => writeFile(path, 'copy') };
  await new FileDatabaseBackups({ folder, database }).make('before-4');
  assert.deepEqual(await readdir(folder), [
    'before-1.db',
    'before-2.db',
    'before-4.db',
    'before-notes.txt',
    'nightly-1.db',
  ]);
});

test('names that are not plain are refused before anything is written', async (t) => {
  const folder = await temporaryFolder(t);
  const backups = new FileDatabaseBackups({
    folder,
    database: { backup: (path: string) => writeFile(path, '') },
  });
  for (const name of ['', 'nofamily', '../before-1', 'before-/x', '.before-1'])
    await assert.rejects(backups.make(name), RangeError);
  assert.deepEqual(await readdir(folder), []);
});

test('lists the copies that are kept with size and time, and no files of other kinds', async (t) => {
  const folder = await temporaryFolder(t);
  const database = { backup: (path: string) => writeFile(path, 'copy') };
  const backups = new FileDatabaseBackups({ folder: join(folder, 'backup'), database });
  assert.deepEqual(await backups.list(), [], 'the folder comes with the first one');
  await backups.make('before-2');
  await backups.make('before-1');
  await writeFile(join(folder, 'backup', 'notes.txt'), 'notes');
  await writeFile(join(folder, 'backup', '.before-3.db.tmp'), 'half');
  await utimes(join(folder, 'backup', 'before-1.db'), 1_000, 1_000);
  await utimes(join(folder, 'backup', 'before-2.db'), 2_000, 2_000);
  assert.deepEqual(await backups.list(), [
    { bytes: 4, at: 1_000_000 },
    { bytes: 4, at: 2_000_000 },
  ]);
});
