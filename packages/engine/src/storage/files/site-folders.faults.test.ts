import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { caseFolders, namesBelow } from '../../../test-support/case-folders.ts';
import { failsCleanly } from '../../../test-support/disk-faults.ts';
import { survivesPowerCuts } from '../../../test-support/power-cut-states.ts';
import { ManualClock } from '../../../test-support/manual-clock.ts';
import { fileDatabase } from '../sqlite/test-support/databases.ts';
import { FileDatabaseBackups } from './backups.ts';
import { ComponentLogs } from './component-logs.ts';
import { isTemporary, temporaryBeside, writeFileDurably } from './durable-file.ts';
import { type FolderLock, lockFolder } from './folder-lock.ts';
import { RollingFile } from './rolling-file.ts';
import { FileScratchFolders } from './scratch.ts';

test('a disk that fails anywhere in a backup keeps the backups before it, and the next one succeeds', async (t) => {
  await failsCleanly(await caseFolders(t), {
    prepare: async (folder) => {
      const database = fileDatabase(join(folder, 'database', 'site.db'), 'PR1');
      database.write(({ settings }) => settings.put('kept', 1));
      const backups = new FileDatabaseBackups({ folder: join(folder, 'backup'), database, keptMax: 2 });
      for (const n of [1, 2]) await backups.make(`before-${n}`);
      return { database, backups };
    },
    act: ({ backups }) => backups.make('before-3'),
    holds: async (_, folder) => {
      const names = (await readdir(join(folder, 'backup'))).filter((name) => !isTemporary(name));
      assert.ok(names.length >= 2 && names.includes('before-2.db'), names.join());
      for (const name of names) {
        const copy = fileDatabase(join(folder, 'backup', name), 'PR1');
        assert.equal(
          copy.read(({ settings }) => settings.get('kept')),
          1,
        );
        copy.close();
      }
    },
    ends: async ({ backups }, folder) => {
      await backups.make('before-3');
      assert.deepEqual((await readdir(join(folder, 'backup'))).toSorted(), ['before-2.db', 'before-3.db']);
    },
    close: ({ database }) => database.close(),
  });
});

test('what a backup that was killed has left goes with the next one, whatever that is called', async (t) => {
  const folder = await (await caseFolders(t))();
  const partial = temporaryBeside(join(folder, 'before-tool-1.0.0.db'));
  for (const path of [partial, `${partial}-journal`]) await writeFile(path, 'left');
  const backups = new FileDatabaseBackups({
    folder,
    database: { backup: (path) => writeFile(path, 'copy') },
  });
  await backups.make('nightly-1');
  assert.deepEqual(await readdir(folder), ['nightly-1.db']);
});

test('after a power cut a backup that was answered for is there, and no half of one has a name of a backup', async (t) => {
  const newFolder = await caseFolders(t);
  const copy = 'a whole database '.repeat(50);
  await survivesPowerCuts<undefined, string>(await newFolder(), {
    prepare: async () => undefined,
    act: async (_, folder, promise) => {
      const database = { backup: (path: string) => writeFileDurably(path, Buffer.from(copy)) };
      const backups = new FileDatabaseBackups({ folder: join(folder, 'site', 'backup'), database });
      for (const n of [1, 2]) {
        await backups.make(`before-${n}`);
        promise(`before-${n}.db`);
      }
    },
    recovers: async (folder, promised) => {
      const place = join(folder, 'site', 'backup');
      for (const name of promised) assert.ok(existsSync(join(place, name)), name);
      for (const name of await readdir(place).catch(() => [])) {
        if (!isTemporary(name)) assert.equal(readFileSync(join(place, name), 'utf8'), copy);
      }
    },
  });
});

test('a disk that fails while scratch folders come and go leaves none in the end', async (t) => {
  await failsCleanly(await caseFolders(t), {
    prepare: async (folder) => new FileScratchFolders(join(folder, 'scratch')),
    act: async (scratch) => {
      await writeFile(join(await scratch.open('a.1'), 'of-a-program'), 'x').catch(() => undefined);
      await scratch.remove('a.1');
    },
    holds: async () => undefined,
    ends: async (_, folder) => assert.deepEqual(await namesBelow(folder), ['scratch']),
  });
});

test('a disk that fails anywhere keeps the lock where it belongs: taken, or free for the next attempt', async (t) => {
  const held = new Map<string, FolderLock>();
  await failsCleanly(await caseFolders(t), {
    prepare: async () => undefined,
    act: async (_, folder) => {
      lockFolder(folder).release();
      const lock = lockFolder(folder);
      held.set(folder, lock);
    },
    holds: async (_, folder, outcome) => {
      if (outcome === 'succeeded') assert.throws(() => lockFolder(folder), { code: 'FOLDER_IN_USE' });
      held.get(folder)?.release();
    },
    ends: async (_, folder) => held.get(folder)?.release(),
  });
});

const formatLine = (entry: { readonly text: string }): string => `${entry.text}\r\n`;

test('a disk that fails anywhere in logging stops nobody, tears no line into another, and the gap is told', async (t) => {
  await failsCleanly(await caseFolders(t), {
    prepare: async (folder) =>
      new ComponentLogs({ folder: join(folder, 'logs'), clock: new ManualClock(), formatLine }),
    act: async (logs) => {
      const log = logs.of('SMS_EXECUTIVE');
      for (const n of [1, 2, 3, 4]) log.info('line {n} of the log', { n });
    },
    holds: async (_, __, outcome) => assert.equal(outcome, 'succeeded'),
    ends: async (_, folder) => {
      const text = readFileSync(join(folder, 'logs', 'smsexec.log'), 'utf8');
      const lines = text.split(/\r?\n/).filter((line) => line !== '');
      const whole = lines.filter((line) => /^line \d of the log$/.test(line)).length;
      const told = lines
        .map((line) => Number(/^(\d+) lines before this one could not be written/.exec(line)?.[1] ?? 0))
        .reduce((sum, count) => sum + count, 0);
      assert.equal(whole + told, 8, text);
      for (const line of lines) assert.ok(!/line \d.*line \d/.test(line), line);
    },
    close: (logs) => logs.close(),
  });
});

test('after a power cut a log goes on with whole lines, whatever the last one was', async (t) => {
  const newFolder = await caseFolders(t);
  await survivesPowerCuts<undefined, never>(await newFolder(), {
    prepare: async (folder) => {
      mkdirSync(join(folder, 'logs'));
      await writeFile(join(folder, 'logs', 'a.log'), 'first\r\n');
    },
    act: async (_, folder) => {
      const file = new RollingFile(join(folder, 'logs', 'a.log'), 60);
      for (let n = 1; n <= 6; n += 1) file.append(`line ${n} of the log\r\n`);
      file.close();
    },
    recovers: async (folder) => {
      const path = join(folder, 'logs', 'a.log');
      const file = new RollingFile(path, 600);
      file.append('the next start\r\n');
      file.close();
      assert.match(readFileSync(path, 'utf8'), /(^|\n)the next start\r\n$/);
      await rm(path);
    },
  });
});
