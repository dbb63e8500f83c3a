import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { siteCode } from '../../shared/ids.ts';
import { compareVersions, judgeRecord, mergeRecords, recordId } from './record.ts';
import type { ReplicatedRecord } from './site.ts';

/** Histories without forks: the body, and with it the hash, follows from the version. */
const honestRecord: fc.Arbitrary<ReplicatedRecord> = fc
  .record({
    owner: fc.constantFrom('CAS', 'P01', 'P02'),
    key: fc.constantFrom('a', 'b'),
    epoch: fc.integer({ min: 1, max: 3 }),
    n: fc.integer({ min: 1, max: 4 }),
  })
  .map(({ owner, key, epoch, n }) => ({
    owner: siteCode(owner),
    kind: 'site-status' as const,
    key,
    epoch,
    n,
    body: { epoch, n },
    hash: `${owner}/${key}/${epoch}.${n}`,
  }));

function mergeAll(records: readonly ReplicatedRecord[]): ReadonlyMap<string, ReplicatedRecord> {
  const held = new Map<string, ReplicatedRecord>();
  for (const record of records) {
    const id = recordId(record);
    const before = held.get(id);
    held.set(id, before === undefined ? record : mergeRecords(before, record));
  }
  return new Map([...held].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

test('records delivered in any order, split and repeated end in one state', () => {
  fc.assert(
    fc.property(
      fc.array(honestRecord, { maxLength: 12 }),
      fc.array(fc.nat(), { maxLength: 12 }),
      (records, picks) => {
        const repeated =
          records.length === 0 ? [] : picks.map((pick) => records[pick % records.length] as ReplicatedRecord);
        const shuffled = [...repeated, ...records.toReversed(), ...repeated];
        assert.deepEqual(mergeAll(shuffled), mergeAll(records));
      },
    ),
  );
});

test('merging is commutative, associative and idempotent', () => {
  fc.assert(
    fc.property(honestRecord, honestRecord, honestRecord, (x, y, z) => {
      const [a, b, c] = [x, { ...y, owner: x.owner, key: x.key }, { ...z, owner: x.owner, key: x.key }].map(
        (record) => ({
          ...record,
          hash: `${record.epoch}.${record.n}`,
        }),
      ) as [ReplicatedRecord, ReplicatedRecord, ReplicatedRecord];
      assert.equal(mergeRecords(a, a), a);
      assert.equal(mergeRecords(a, b).hash, mergeRecords(b, a).hash);
      assert.equal(mergeRecords(mergeRecords(a, b), c).hash, mergeRecords(a, mergeRecords(b, c)).hash);
    }),
  );
});

test('equal versions with different hashes are a fork, whichever comes first', () => {
  fc.assert(
    fc.property(honestRecord, (record) => {
      const other = { ...record, body: 'something else', hash: 'other' };
      assert.equal(judgeRecord(record, other), 'fork');
      assert.throws(() => mergeRecords(record, other), { code: 'FORK' });
      assert.throws(() => mergeRecords(other, record), { code: 'FORK' });
    }),
  );
});

test('a higher epoch wins over any n of a lower one', () => {
  assert.ok(compareVersions({ epoch: 2, n: 1 }, { epoch: 1, n: 900 }) > 0);
  assert.ok(compareVersions({ epoch: 1, n: 2 }, { epoch: 1, n: 10 }) < 0);
  assert.equal(compareVersions({ epoch: 1, n: 2 }, { epoch: 1, n: 2 }), 0);
});
