import assert from 'node:assert/strict';
import { test } from 'node:test';
import { usageItems } from '../domain/usage/registry.ts';
import type { SiteUsage } from '../domain/usage/report.ts';
import { siteUsageFormat, usageReportFormat } from './usage.ts';

const collection = { schema: 1, level: 'full', collectedAt: '2026-01-10T00:00:00.000Z', request: 0 } as const;

test('takes the example of every item, and prints it so that it reads back', () => {
  const items = Object.fromEntries(usageItems.map(({ id, example }) => [id, example]));
  const usage: SiteUsage = { ...collection, items };
  assert.deepEqual(siteUsageFormat.parse(siteUsageFormat.print(usage)), usage);
});

test('refuses whatever is no table of plain cells, wherever it hides', () => {
  for (const items of [
    { 'no id': [] },
    { 'no id': { anything: ['goes'] } },
    { [`a.${'b'.repeat(44)}`]: [] },
    { [`${'a'.repeat(21)}.b`]: [] },
    { 'a.b': [{ ['c'.repeat(65)]: 1 }] },
    { 'a.b': [{ 'no column': {} }] },
    { 'a.b': [{ c: 1.5 }] },
    { 'a.b': [{ c: null }] },
    { 'a.b': [{ c: ['d'] }] },
    { 'a.b': [['c']] },
    { 'a.b': 'c' },
  ])
    assert.throws(
      () => siteUsageFormat.check({ ...collection, items }),
      { name: 'WireError' },
      JSON.stringify(items).slice(0, 80),
    );
  siteUsageFormat.check({ ...collection, items: { 'a.b': [{ c: 1, d: true, e: '' }, {}] } });
});

test('a report takes no site twice, and no site code in plain', () => {
  const site = {
    site: 'A'.repeat(43),
    type: 'primary',
    level: 'basic',
    collectedAt: collection.collectedAt,
    items: { 'a.b': [] },
  };
  const report = {
    schema: 1,
    hierarchyId: 'a'.repeat(64),
    epoch: 1,
    sequence: 1,
    level: 'basic',
    fixedAt: collection.collectedAt,
    sites: [site],
  };
  usageReportFormat.check(report);
  for (const sites of [[site, site], [{ ...site, site: 'PR1' }], [{ ...site, items: { 'no id': {} } }]])
    assert.throws(() => usageReportFormat.check({ ...report, sites }));
});
