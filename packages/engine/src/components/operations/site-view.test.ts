import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ReplicatedRecord, Roster } from '@sallyport/core/domain/sites/site';
import type { RecordFields } from '@sallyport/core/domain/sites/record';
import { hierarchyId, siteCode, type SiteCode } from '@sallyport/core/shared/ids';
import { recordHash } from '@sallyport/core/wire/record-hash';
import { nodeDigests } from '../../compute/digest.ts';
import { memoryDatabase } from '../../storage/sqlite/test-support/databases.ts';
import { sitesResult } from './site-view.ts';

const cas = siteCode('CAS');
const pr1 = siteCode('PR1');
const revoked = { at: '2026-01-01T00:00:00Z', reason: 'stolen' };

function said(owner: SiteCode, key: string, body: unknown): ReplicatedRecord {
  const fields: RecordFields = { owner, kind: 'site-status', key, epoch: 1, n: 1, body };
  return { ...fields, hash: recordHash(fields, nodeDigests.of) };
}

function rosterOf(...sites: Roster['sites']): Roster {
  const top = { code: cas, type: 'central', key: '1'.repeat(64), epoch: 1 } as const;
  return { schema: 1, hierarchyId: hierarchyId('0'.repeat(64)), version: 1, sites: [top, ...sites] };
}

const own = { state: 'running', reason: 'runs', since: 0 } as const;

test('what a revoked site said of itself is not shown any more', (t) => {
  const database = memoryDatabase('CAS');
  t.after(() => database.close());
  const refusal = { sequence: 1, code: 'FORGED', reason: 'so it says', at: 1 };
  database.write(({ records }) =>
    records.apply(
      pr1,
      [
        said(pr1, 'orders', { schema: 1, last: 1, deferred: [], refused: [refusal] }),
        said(pr1, 'components', { schema: 1, components: [] }),
      ],
      2,
    ),
  );
  const shown = (more: Partial<Roster['sites'][number]>) => {
    const roster = rosterOf({
      code: pr1,
      type: 'primary',
      parent: cas,
      key: '2'.repeat(64),
      epoch: 1,
      ...more,
    });
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

test('why nothing goes over a link between two other sites is shown as the upper one of them tells it', (t) => {
  const database = memoryDatabase('CAS');
  t.after(() => database.close());
  const se1 = siteCode('SE1');
  const roster = rosterOf(
    { code: pr1, type: 'primary', parent: cas, key: '2'.repeat(64), epoch: 1 },
    { code: se1, type: 'secondary', parent: pr1, key: '3'.repeat(64), epoch: 1 },
  );
  const link = () =>
    database.read((tables) => sitesResult(tables, roster, { site: cas, children: [], own })).sites[2]?.link;
  assert.equal(link(), undefined);
  const status = { schema: 1, links: [{ site: se1, problem: 'SE1 runs twice' }] };
  database.write(({ records }) => records.apply(pr1, [said(pr1, 'links', status)], 1));
  assert.deepEqual(link(), { problem: 'its parent PR1 says: SE1 runs twice' });
});
