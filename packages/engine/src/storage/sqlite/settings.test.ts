import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { SiteDatabase } from '../../ports/site-database.ts';
import { fileDatabase } from './test-support/databases.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-settings-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const read = (database: SiteDatabase): unknown => database.read(({ settings }) => settings.get('mark'));

test('a setting that has not changed is the same value, and nobody can change it in passing', () => {
  const database = fileDatabase(join(folder, 'same', 'site.db'), 'PRI');
  database.write(({ settings }) => settings.put('mark', { list: [1, 2] }));
  const first = read(database) as { readonly list: number[] };
  assert.equal(read(database), first);
  assert.throws(() => first.list.push(3), TypeError);
  assert.deepEqual(read(database), { list: [1, 2] });
  database.close();
});

test('what another process writes, removes or takes back is seen at the next reading', () => {
  const path = join(folder, 'other', 'site.db');
  const [one, other] = [fileDatabase(path, 'PRI'), fileDatabase(path, 'PRI')];
  one.write(({ settings }) => settings.put('mark', 1));
  assert.equal(read(one), 1);
  other.write(({ settings }) => settings.put('mark', 2));
  assert.equal(read(one), 2);
  other.write(({ settings }) => settings.remove('mark'));
  assert.equal(read(one), undefined);
  const undone = new Error('undone');
  assert.throws(
    () =>
      one.write(({ settings }) => {
        settings.put('mark', 3);
        assert.equal(settings.get('mark'), 3);
        throw undone;
      }),
    undone,
  );
  assert.equal(read(one), undefined);
  one.close();
  other.close();
});
