import assert from 'node:assert/strict';
import { test } from 'node:test';
import { collect } from '@sallyport/core/domain/usage/collect';
import type { UsagePolicy } from '@sallyport/core/domain/usage/report';
import { bareFacts } from '@sallyport/core/domain/usage/test-support/bare-facts';
import { recordHash } from '@sallyport/core/wire/record-hash';
import { joinedSite, topTierSite } from '../../../test-support/site-network.ts';
import { nodeDigests } from '../../compute/digest.ts';
import { checkRecord } from '../replication-manager/receive.ts';
import { policyRecordKey, putPolicy, readPolicy } from './policy.ts';
import { usageRecordKey } from './usage-collector.ts';

const chosen: UsagePolicy = {
  schema: 1,
  level: 'full',
  changedAt: '2026-01-10T00:00:00.000Z',
  changedBy: 'anna',
  request: 4,
};

function usage(level: UsagePolicy['level']): unknown {
  const { items } = collect({ ...bareFacts, site: { ...bareFacts.site, topTier: false } }, level);
  return { schema: 1, level, collectedAt: '2026-01-10T00:00:00.000Z', request: 0, items };
}

test('the policy travels down to every site, and what a site collected up to the top-tier site', async (t) => {
  const top = await topTierSite(t);
  const primary = await joinedSite(t, top, top, 'P01', 'primary');
  const secondary = await joinedSite(t, top, primary, 'S01', 'secondary');
  top.database.write(({ records }) => putPolicy(records, chosen, 1));
  await secondary.until(({ records }) => readPolicy(records, top.code).request === 4);
  assert.deepEqual(
    primary.database.read(({ records }) => readPolicy(records, top.code)),
    chosen,
  );
  const body = usage('full');
  secondary.database.write(({ records }) => records.putOwn('site-usage', usageRecordKey, body, 1));
  await top.until(({ records }) => records.get(secondary.code, 'site-usage', usageRecordKey) !== undefined);
  assert.deepEqual(
    top.database.read(({ records }) => records.get(secondary.code, 'site-usage', usageRecordKey))?.body,
    body,
  );
  // What one child collected is none of another one's business, and a child chooses nothing for anybody.
  top.database.write(({ records }) => records.putOwn('site-usage', usageRecordKey, usage('basic'), 1));
  primary.database.write(({ records }) => putPolicy(records, { ...chosen, request: 9 }, 1));
  top.database.write(({ records }) => putPolicy(records, { ...chosen, request: 5 }, 1));
  await secondary.until(({ records }) => readPolicy(records, top.code).request === 5);
  const held = secondary.database.read(({ records }) => [
    records.get(top.code, 'site-usage', usageRecordKey),
    records.get(primary.code, 'usage-policy', policyRecordKey),
  ]);
  assert.deepEqual(held, [undefined, undefined]);
  assert.equal(
    top.database.read(({ records }) => records.get(primary.code, 'usage-policy', policyRecordKey)),
    undefined,
  );
});

function record(kind: 'site-usage' | 'usage-policy', body: unknown) {
  const fields = { owner: bareFacts.site.code, kind, key: 'x', epoch: 1, n: 1, body };
  return { ...fields, hash: recordHash(fields, nodeDigests.of) };
}

test('a policy and a collection must read before anybody takes them', () => {
  const good = usage('basic');
  for (const body of [chosen, { ...chosen, level: 'basic', note: 'of a newer release' }])
    checkRecord(record('usage-policy', body), nodeDigests);
  for (const body of [good, { ...(good as object), items: { 'future.item': [{ new: 1 }] } }])
    checkRecord(record('site-usage', body), nodeDigests);
  for (const body of [
    {},
    { ...chosen, level: 'everything' },
    { ...chosen, request: -1 },
    { ...chosen, request: '4' },
    { ...chosen, changedAt: 'yesterday' },
    { ...chosen, changedBy: 'x'.repeat(201) },
  ])
    assert.throws(() => checkRecord(record('usage-policy', body), nodeDigests), { code: 'MALFORMED' });
  for (const body of [
    [],
    { ...(good as object), level: 'none' },
    { ...(good as object), items: { 'no item id': [] } },
    { ...(good as object), items: { 'a.b': {} } },
    { ...(good as object), items: { 'a.b': [{ deep: { er: 1 } }] } },
    { ...(good as object), items: { 'a.b': [{ text: 'x'.repeat(301) }] } },
    { ...(good as object), items: { 'a.b': Array.from({ length: 10_001 }, () => ({})) } },
  ])
    assert.throws(() => checkRecord(record('site-usage', body), nodeDigests), { code: 'MALFORMED' });
});
