import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { ReplicatedRecord } from '@sallyport/core/domain/sites/site';
import { siteCode } from '@sallyport/core/shared/ids';
import { propertyRuns } from '@sallyport/core/shared/test-support/property';
import { recordHash } from '@sallyport/core/wire/record-hash';
import { nodeDigests } from '../../compute/digest.ts';
import { memoryDatabase } from './test-support/databases.ts';

const CAS = siteCode('CAS');
const P01 = siteCode('P01');

/** Histories without forks: the body follows from the version. */
const written: fc.Arbitrary<ReplicatedRecord> = fc
  .record({
    owner: fc.constantFrom('P01', 'P02'),
    key: fc.constantFrom('a', 'b'),
    epoch: fc.integer({ min: 1, max: 3 }),
    n: fc.integer({ min: 1, max: 3 }),
  })
  .map(({ owner, key, epoch, n }) => {
    const fields = {
      owner: siteCode(owner),
      kind: 'site-status',
      key,
      epoch,
      n,
      body: { epoch, n },
    } as const;
    return { ...fields, hash: recordHash(fields, nodeDigests.of) };
  });

/** What a site holds after these deliveries, one transaction each. */
function heldAfter(...deliveries: readonly (readonly ReplicatedRecord[])[]): readonly ReplicatedRecord[] {
  const database = memoryDatabase('CAS');
  try {
    deliveries.forEach((records, index) =>
      database.write((tables) => tables.records.apply(P01, records, index)),
    );
    return database.read(({ records }) => records.list({}));
  } finally {
    database.close();
  }
}

describe('records in a site database', () => {
  const batch = fc.array(written, { maxLength: 6 });

  test('merge commutatively, associatively and idempotently, between two sites as within one', () => {
    fc.assert(
      fc.property(batch, batch, batch, (a, b, c) => {
        const all = heldAfter(a, b, c);
        assert.deepEqual(heldAfter(c, b, a), all);
        assert.deepEqual(heldAfter(a, heldAfter(b, c)), all);
        assert.deepEqual(heldAfter(heldAfter(a, b), c), all);
        assert.deepEqual(heldAfter(a, b, c, b, a, all), all);
      }),
      propertyRuns(60),
    );
  });

  test('any order, part and repetition of deliveries, then one of everything, ends in the same state', () => {
    fc.assert(
      fc.property(batch, fc.array(fc.array(fc.nat(), { maxLength: 4 }), { maxLength: 5 }), (all, picks) => {
        const parts = picks.map((part) =>
          part.flatMap((pick) => all.slice(pick % (all.length + 1)).slice(0, 1)),
        );
        assert.deepEqual(heldAfter(...parts, all), heldAfter(all));
      }),
      propertyRuns(60),
    );
  });

  test('a higher epoch takes what the site has written with it, so that no lost history contradicts it for ever', () => {
    const [lost, goesOn, peer] = [memoryDatabase('CAS'), memoryDatabase('CAS'), memoryDatabase('P01')];
    const everything = (from: typeof lost): readonly ReplicatedRecord[] =>
      from.read(({ records }) => records.after(0, 100).map(({ record }) => record));
    lost.write(({ records }) => {
      records.putOwn('site-status', 'all', 'of the copy that is lost', 1);
      records.putOwn('site-status', 'all', 'and once more', 1);
    });
    goesOn.write(({ records }) => records.putOwn('site-status', 'all', 'of the copy that goes on', 1));
    goesOn.write(({ records }) => records.putOwn('site-status', 'some', 'later', 1));
    peer.write(({ records }) => records.apply(CAS, everything(lost), 2));
    goesOn.write(({ records }) => records.raiseEpoch(2));
    peer.write(({ records }) => records.apply(CAS, everything(goesOn), 4));
    assert.deepEqual(
      peer.read(({ records }) => records.list({})),
      goesOn.read(({ records }) => records.list({})),
    );
    assert.deepEqual(
      everything(goesOn).map(({ key, epoch, n, body }) => [key, epoch, n, body]),
      [
        ['all', 2, 1, 'of the copy that goes on'],
        ['some', 2, 1, 'later'],
      ],
    );
    for (const database of [lost, goesOn, peer]) database.close();
  });
});
