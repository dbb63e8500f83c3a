import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { siteCode } from '@sallyport/core/shared/ids';
import { caseFolders } from '../../../test-support/case-folders.ts';
import { failsCleanly } from '../../../test-support/disk-faults.ts';
import { restoreSiteDatabase } from './restore.ts';
import { fileDatabase } from './test-support/databases.ts';

const pathIn = (folder: string): string => join(folder, 'database', 'site.db');
const backupIn = (folder: string): string => join(folder, 'backup', 'before.db');

function stateIn(folder: string): { since: unknown; epoch: number } {
  const database = fileDatabase(pathIn(folder), 'P01');
  try {
    return database.read(({ settings, records }) => ({
      since: settings.get('since'),
      epoch: records.epoch(),
    }));
  } finally {
    database.close();
  }
}

test('a disk that fails anywhere in a restore leaves the database before it or the restored one, and no beginning of one', async (t) => {
  await failsCleanly(await caseFolders(t), {
    codes: ['NO_BACKUP'],
    prepare: async (folder) => {
      const database = fileDatabase(pathIn(folder), 'P01');
      await database.backup(backupIn(folder));
      database.write(({ settings }) => settings.put('since', 2));
      database.close();
    },
    act: (_, folder) =>
      restoreSiteDatabase({
        path: pathIn(folder),
        from: backupIn(folder),
        backupFolder: join(folder, 'backup'),
        stamp: 'now',
        site: siteCode('P01'),
        hashRecord: ({ owner, kind, key, epoch, n }) => `${owner}${kind}${key}${epoch}${n}`,
        epochMin: 1,
        knownEpoch: (held) => held.read(({ records }) => records.epoch()),
      }),
    holds: async (_, folder, outcome) => {
      const { since, epoch } = stateIn(folder);
      assert.equal(
        epoch > 1,
        since === undefined,
        'what is restored is in a higher epoch, what was there is not',
      );
      if (outcome === 'succeeded') assert.equal(since, undefined);
    },
    ends: async (_, folder) => {
      const { since, epoch } = stateIn(folder);
      assert.equal(since, undefined);
      assert.ok(epoch > 1);
      assert.deepEqual((await readdir(join(folder, 'backup'))).toSorted(), [
        'before.db',
        'replaced-now-site.db',
      ]);
      const temporary = (await readdir(join(folder, 'database'))).filter((name) => name.endsWith('.tmp'));
      assert.deepEqual(temporary, []);
    },
  });
});
