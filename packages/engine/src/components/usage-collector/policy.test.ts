import assert from 'node:assert/strict';
import { test } from 'node:test';
import { siteCode } from '@sallyport/core/shared/ids';
import { usagePolicyFormat } from '@sallyport/core/wire/usage';
import { everyDatabase } from '../../storage/sqlite/test-support/databases.ts';
import { putPolicy, readPolicy } from './policy.ts';

const cas = siteCode('CAS');

for (const [how, open] of Object.entries(everyDatabase())) {
  test(`${how}: is level enhanced by "set-up" until somebody chooses, and then what was chosen`, (t) => {
    const database = open('CAS');
    t.after(() => database.close());
    const read = () => database.read(({ records }) => readPolicy(records, cas));
    assert.deepEqual(read(), {
      schema: 1,
      level: 'enhanced',
      changedAt: '1970-01-01T00:00:00.000Z',
      changedBy: 'set-up',
      request: 0,
    });
    usagePolicyFormat.check(read());
    const chosen = {
      schema: 1,
      level: 'basic',
      changedAt: '2026-01-02T00:00:00.000Z',
      changedBy: 'anna',
      request: 3,
    } as const;
    database.write(({ records }) => putPolicy(records, chosen, 5));
    assert.deepEqual(read(), chosen);
  });
}

test('the word of a site that is not the top-tier site counts nowhere', (t) => {
  const database = everyDatabase()['in memory']?.('PR1');
  assert.ok(database !== undefined);
  t.after(() => database.close());
  database.write(({ records }) =>
    putPolicy(
      records,
      { schema: 1, level: 'full', changedAt: '2026-01-02T00:00:00.000Z', changedBy: 'PR1', request: 9 },
      5,
    ),
  );
  assert.equal(database.read(({ records }) => readPolicy(records, cas)).level, 'enhanced');
});
