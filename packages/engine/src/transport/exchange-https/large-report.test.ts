import assert from 'node:assert/strict';
import { test } from 'node:test';
import { usageReportFormat } from '@sallyport/core/wire/usage';
import { readPublished } from '../../cloud/cloud-tools.ts';
import { never } from '../../cloud/test-support/cloud-fixture.ts';
import { reportedSite, ReportingHierarchy, sealedTo } from '../../cloud/test-support/reporting-hierarchy.ts';
import { HttpVendorExchange } from './client.ts';
import { runningCloud } from './test-support/cloud-server.ts';

test('the largest usage report that may be fits through the exchange, signed and sealed', async (context) => {
  const cloud = await runningCloud(context);
  const client = new HttpVendorExchange({ baseUrl: cloud.url });
  const hierarchy = new ReportingHierarchy();
  const enrolment = { code: await cloud.code(), hierarchyId: hierarchy.id, statement: hierarchy.statement() };
  await client.enrol(enrolment, never);
  const [key = ''] = (await readPublished(cloud.cloud.tools)).contents.service.sealKeys ?? [];
  const products = Array.from({ length: 500 }, (_, index) => ({
    product: `p${index}`.padEnd(300, '.'),
    version: 'v'.repeat(300),
  }));
  const sites = (count: number) =>
    Array.from({ length: count }, (_, index) => reportedSite(`S${index}`, { 'setup.products': products }));
  const perSite = usageReportFormat.print(hierarchy.next({ sites: sites(1) })).length;
  const report = hierarchy.next({ sites: sites(Math.floor(usageReportFormat.maxBytes / perSite)) });
  const sizeBytes = usageReportFormat.print(report).length;
  assert.ok(sizeBytes > 0.9 * usageReportFormat.maxBytes && sizeBytes <= usageReportFormat.maxBytes);
  const answer = await client.exchange([await sealedTo(key, hierarchy.signed(report))], never);
  assert.deepEqual(answer.refused, []);
  assert.equal(answer.envelopes.length, 1, 'a receipt');
});
