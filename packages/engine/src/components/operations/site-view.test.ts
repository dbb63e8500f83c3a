import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ReplicatedRecord, Roster } from '@sallyport/core/domain/sites/site';
import type { RecordFields } from '@sallyport/core/domain/sites/record';
import type { SiteFacts } from '@sallyport/core/domain/exchange/exchange';
import {
  hierarchyId,
  packageGuid,
  type PackageGuid,
  productId,
  type ProductId,
  siteCode,
  type SiteCode,
} from '@sallyport/core/shared/ids';
import { recordHash } from '@sallyport/core/wire/record-hash';
import { nodeDigests } from '../../compute/digest.ts';
import { memoryDatabase } from '../../storage/sqlite/test-support/databases.ts';
import { type SitesContext, sitesResult } from './site-view.ts';

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

const context: SitesContext = {
  links: { site: cas, children: [], own: { state: 'running', reason: 'runs', since: 0 } },
  components: [],
  versionOf: () => undefined,
};

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
    return database.read((tables) => sitesResult(tables, roster, context)).sites[1];
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
  const link = () => database.read((tables) => sitesResult(tables, roster, context)).sites[2]?.link;
  assert.equal(link(), undefined);
  const status = { schema: 1, links: [{ site: se1, problem: 'SE1 runs twice' }] };
  database.write(({ records }) => records.apply(pr1, [said(pr1, 'links', status)], 1));
  assert.deepEqual(link(), { problem: 'its parent PR1 says: SE1 runs twice' });
});

test('a site lacks what its parent has and what is not older than its own version', (t) => {
  const database = memoryDatabase('CAS');
  t.after(() => database.close());
  const hello = productId('hello');
  const [base, one, two] = [1, 2, 3].map((n) => packageGuid(`00000000-0000-4000-8000-00000000000${n}`));
  assert.ok(base !== undefined && one !== undefined && two !== undefined);
  const versions = new Map([
    [base, '1.0'],
    [one, '1.1'],
    [two, '1.2'],
  ]);
  const facts = (site: SiteCode, type: SiteFacts['type'], version: string, installed: PackageGuid[]) =>
    ({
      schema: 1,
      site,
      type,
      products: [{ product: hello, version, installed }],
      platform: { os: 'linux', arch: 'x64' },
    }) satisfies SiteFacts;
  const missingAt = (version: string, installed: PackageGuid[]): readonly PackageGuid[] | undefined => {
    database.write(({ records }) => {
      records.putOwn('site-facts', 'facts', facts(cas, 'central', '1.2', [base, one, two]), 0);
      const fields: RecordFields = {
        owner: pr1,
        kind: 'site-facts',
        key: 'facts',
        epoch: 1,
        n: (records.get(pr1, 'site-facts', 'facts')?.n ?? 0) + 1,
        body: facts(pr1, 'primary', version, installed),
      };
      records.apply(pr1, [{ ...fields, hash: recordHash(fields, nodeDigests.of) }], fields.n);
    });
    const roster = rosterOf({ code: pr1, type: 'primary', parent: cas, key: '2'.repeat(64), epoch: 1 });
    const known = { ...context, versionOf: (_: ProductId, guid: PackageGuid) => versions.get(guid) };
    return database.read((tables) => sitesResult(tables, roster, known)).sites[1]?.products?.[0]?.missing;
  };
  assert.deepEqual(missingAt('1.0', [base]), [one, two]);
  assert.deepEqual(missingAt('1.2', [base, two]), []);
});

test('of itself a site shows what its components say now, whatever the database says', (t) => {
  const database = memoryDatabase('CAS');
  t.after(() => database.close());
  const before = { schema: 1, components: [{ name: 'A', state: 'running', reason: 'well', since: 0 }] };
  database.write(({ records }) => records.putOwn('site-status', 'components', before, 0));
  const now = { name: 'A', state: 'failing', reason: 'the disk is full', since: 1 } as const;
  const shown = database.read((tables) => sitesResult(tables, rosterOf(), { ...context, components: [now] }));
  assert.deepEqual(shown.sites[0]?.components, [now]);
});
