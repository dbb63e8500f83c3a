import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ReplicatedRecord, Roster } from '@sallyport/core/domain/sites/site';
import type { RecordFields } from '@sallyport/core/domain/sites/record';
import { hierarchyId, siteCode } from '@sallyport/core/shared/ids';
import { recordHash } from '@sallyport/core/wire/record-hash';
import { nodeDigests } from '../../compute/digest.ts';
import { memoryDatabase } from '../../storage/sqlite/test-support/databases.ts';
import { sitesResult } from './site-view.ts';

const cas = siteCode('CAS');
const pr1 = siteCode('PR1');
const revoked = { at: '2026-01-01T00:00:00Z', reason: 'stolen' };

test('what a revoked site said of itself is not shown any more', (t) => {
  const database = memoryDatabase('CAS');
  t.after(() => database.close());
  const said = (key: string, body: unknown): ReplicatedRecord => {
    const fields: RecordFields = { owner: pr1, kind: 'site-status', key, epoch: 1, n: 1, body };
    return { ...fields, hash: recordHash(fields, nodeDigests.of) };
  };
  const refusal = { sequence: 1, code: 'FORGED', reason: 'so it says', at: 1 };
  database.write(({ records }) =>
    records.apply(
      pr1,
      [
        said('orders', { schema: 1, last: 1, deferred: [], refused: [refusal] }),
        said('components', { schema: 1, components: [] }),
      ],
      2,
    ),
  );
  const shown = (more: Partial<Roster['sites'][number]>) => {
    const roster: Roster = {
      schema: 1,
      hierarchyId: hierarchyId('0'.repeat(64)),
      version: 1,
      sites: [
        { code: cas, type: 'central', key: '1'.repeat(64), epoch: 1 },
        { code: pr1, type: 'primary', parent: cas, key: '2'.repeat(64), epoch: 1, ...more },
      ],
    };
    const own = { state: 'running', reason: 'runs', since: 0 } as const;
    return database.read((tables) => sitesResult(tables, roster, { site: cas, children: [], own })).sites[1];
  };
  assert.deepEqual(shown({})?.refusedOrders, [refusal]);
  assert.deepEqual(shown({})?.components, []);
  assert.deepEqual(shown({ revoked }), {
    code: pr1,
    type: 'primary',
    parent: cas,
    revoked,
    refusedOrders: [],
  });
});
