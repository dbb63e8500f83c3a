import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { nextEvent } from '@sallyport/core/domain/updates/state';
import { packageGuid, siteCode } from '@sallyport/core/shared/ids';
import type { Change, WriteTables } from '../../ports/site-database.ts';
import { openSiteDatabase } from './site-database.ts';
import { everyDatabase } from './test-support/databases.ts';
import { eventRecord, foreign } from './test-support/foreign-records.ts';

const PRI = siteCode('PRI');
const CAS = siteCode('CAS');
const guid = packageGuid('11111111-2222-3333-4444-555555555555');

for (const [where, open] of Object.entries(everyDatabase())) {
  describe(`whoever listens to a site database ${where}`, () => {
    test('tells listeners of commits that changed something, and of no others', async () => {
      const database = open('PRI');
      let commits = 0;
      const stop = database.onCommit(() => (commits += 1));
      database.write(({ settings }) => settings.put('a', 1));
      database.write(({ settings }) => settings.put('a', 1));
      database.write(({ settings }) => settings.get('a'));
      await Promise.resolve();
      assert.equal(commits, 1);
      stop();
      database.write(({ settings }) => settings.put('a', 2));
      await Promise.resolve();
      assert.equal(commits, 1);
      database.close();
    });

    test('tells what a commit has changed, and nothing of what was rolled back', async () => {
      const database = open('PRI');
      const heard: Change[] = [];
      database.onCommit((change) => heard.push(change));
      const change = async (work: (tables: WriteTables) => unknown): Promise<Change | undefined> => {
        try {
          database.write((tables) => void work(tables));
        } catch {
          // What matters is what is heard of it.
        }
        await Promise.resolve();
        return heard.splice(0)[0];
      };
      const of = (parts: { updates?: string[]; records?: string[]; settings?: string[] }) => ({
        updates: new Set(parts.updates),
        records: new Set(parts.records),
        settings: new Set(parts.settings),
      });
      const applicable = { guid, event: 'applicable', at: 5 } as const;
      assert.deepEqual(await change(({ settings }) => settings.put('a', 1)), of({ settings: ['a'] }));
      assert.deepEqual(await change(({ settings }) => settings.remove('a')), of({ settings: ['a'] }));
      assert.equal(await change(({ settings }) => settings.remove('a')), undefined);
      assert.deepEqual(
        await change(({ updates }) => updates.append(nextEvent(undefined, { ...applicable, site: PRI }))),
        of({ updates: ['PRI'], records: ['update-event'] }),
      );
      const event = eventRecord(nextEvent(undefined, { ...applicable, site: CAS }));
      assert.deepEqual(
        await change(({ records }) => records.apply(CAS, [event, foreign()], 2)),
        of({ updates: ['CAS'], records: ['update-event', 'order'] }),
      );
      assert.equal(await change(({ records }) => records.setCursor(CAS, 9)), undefined);
      const failed = await change(({ settings }) => {
        settings.put('b', 1);
        throw new RangeError('stop');
      });
      assert.equal(failed, undefined);
      assert.deepEqual(await change(({ settings }) => settings.put('c', 1)), of({ settings: ['c'] }));
      assert.deepEqual(
        await change(({ records }) => records.raiseEpoch(2)),
        of({ updates: ['PRI'], records: ['update-event'] }),
      );
      database.close();
    });
  });
}

test('a listener that throws is reported, and keeps no other from hearing of a commit', async (t) => {
  const failures: unknown[] = [];
  const database = openSiteDatabase(':memory:', {
    site: siteCode('PRI'),
    hashRecord: () => '',
    onListenerFailure: (error) => failures.push(error),
  });
  t.after(() => database.close());
  const failure = new Error('no room to think');
  let heard = 0;
  database.onCommit(() => {
    throw failure;
  });
  database.onCommit(() => (heard += 1));
  database.write(({ settings }) => settings.put('a', 1));
  await Promise.resolve();
  assert.deepEqual([heard, failures], [1, [failure]]);
});
