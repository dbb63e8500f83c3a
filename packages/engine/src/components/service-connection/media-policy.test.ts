import assert from 'node:assert/strict';
import { test } from 'node:test';
import { siteCode } from '@sallyport/core/shared/ids';
import { memoryDatabase } from '../../storage/sqlite/test-support/databases.ts';
import { mediaMaxAgeMs, readMediaPolicy, writeMediaPolicy } from './media-policy.ts';

test('how old media may be goes down with who decided it, and is nothing where nobody did', () => {
  const top = memoryDatabase('CAS');
  const child = memoryDatabase('PR1');
  assert.equal(mediaMaxAgeMs(top), 0);
  top.write((tables) => writeMediaPolicy(tables, { maxAgeMs: 5000, by: 'ann', at: 1_000 }));
  top.write((tables) => writeMediaPolicy(tables, { maxAgeMs: 7000, by: 'bob', at: 2_000 }));
  assert.equal(mediaMaxAgeMs(top), 7000);
  const records = top.read((tables) => tables.records.list({ kind: 'media-policy' }));
  child.write((tables) => tables.records.apply(siteCode('CAS'), records, 1));
  assert.deepEqual(child.read(readMediaPolicy), {
    schema: 1,
    maxAgeMs: 7000,
    changedAt: '1970-01-01T00:00:02.000Z',
    changedBy: 'bob',
  });
  assert.deepEqual(
    top.read(({ audit }) => audit.entries(9)).map(({ by, action, data }) => [by, action, data]),
    [
      ['bob', 'media-age', { maxAgeMs: 7000 }],
      ['ann', 'media-age', { maxAgeMs: 5000 }],
    ],
    'every decision is kept',
  );
});

test('a policy that cannot be read counts as none', () => {
  const database = memoryDatabase('CAS');
  database.write(({ records }) => records.putOwn('media-policy', 'policy', { schema: 1, maxAgeMs: -1 }, 1));
  assert.equal(mediaMaxAgeMs(database), 0);
});
