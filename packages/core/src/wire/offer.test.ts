import { test } from 'node:test';
import { digest, siteCode } from '../shared/ids.ts';
import type { Offer, Receipt, SiteFacts } from '../domain/exchange/exchange.ts';
import { compiler, guid, hierarchy, targetingFacts } from '../domain/updates/test-support/packages.ts';
import { siteFactsFormat, siteReleasesFormat, targetingFactsFormat } from './facts.ts';
import { offerFormat } from './offer.ts';
import { receiptFormat } from './receipt.ts';
import { refusesAt, testDocument } from './test-support/hostile.ts';

const offer: Offer = {
  schema: 1,
  hierarchyId: hierarchy,
  sequence: 1,
  issuedAt: '2025-09-01T00:00:00Z',
  expiresAt: '2025-10-01T00:00:00.250Z',
  factsSha256: digest('c'.repeat(64)),
  packages: [
    { guid: guid(1), offered: true },
    { guid: guid(2), offered: false, reason: 'Not for you.' },
  ],
};
testDocument(offerFormat, offer, [
  'schema',
  'hierarchyId',
  'sequence',
  'issuedAt',
  'expiresAt',
  'factsSha256',
  'packages',
]);

test('refuses an offer that contradicts itself', () => {
  refusesAt(offerFormat as never, offer, ['packages', 1, 'guid'], guid(1));
  refusesAt(offerFormat as never, offer, ['expiresAt'], '2025-09-01T00:00:00Z');
  refusesAt(offerFormat as never, offer, ['expiresAt'], '9999-99-99T00:00:00Z');
  refusesAt(offerFormat as never, offer, ['sequence'], 0);
});

test('refuses an offer that withholds without a reason, or offers in other words', () => {
  refusesAt(
    offerFormat as never,
    offer,
    ['packages', 1],
    { guid: guid(2), offered: false },
    '/packages/1/reason',
  );
  refusesAt(offerFormat as never, offer, ['packages', 0, 'offered'], 'yes');
  refusesAt(offerFormat as never, offer, ['packages', 0, 'offered'], 1);
  refusesAt(offerFormat as never, offer, ['packages', 0, 'unless'], 'x');
});

const receipt: Receipt = {
  schema: 1,
  hierarchyId: hierarchy,
  payloadSha256: digest('d'.repeat(64)),
  acceptedAt: '2025-09-01T00:00:00Z',
};
testDocument(receiptFormat, receipt, ['schema', 'hierarchyId', 'payloadSha256', 'acceptedAt']);

const facts = targetingFacts();
testDocument(targetingFactsFormat, facts, [
  'schema',
  'hierarchyId',
  'epoch',
  'sequence',
  'collectedAt',
  'ring',
  'siteCounts',
  'products',
  'platform',
]);

test('refuses facts that say more than targeting needs', () => {
  refusesAt(targetingFactsFormat as never, facts, ['siteNames'], ['CAS']);
  refusesAt(targetingFactsFormat as never, facts, ['platform', 'hostname'], 'server1');
  refusesAt(targetingFactsFormat as never, facts, ['products', 0, 'path'], '/opt');
  refusesAt(targetingFactsFormat as never, facts, ['products', 0, 'versions', 0, 'site'], 'CAS');
  refusesAt(targetingFactsFormat as never, facts, ['siteCounts', 'tertiary'], 1);
});

test('refuses facts that cannot be', () => {
  refusesAt(targetingFactsFormat as never, facts, ['siteCounts', 'central'], 2);
  refusesAt(targetingFactsFormat as never, facts, ['siteCounts', 'primary'], -1);
  refusesAt(targetingFactsFormat as never, facts, ['products', 0, 'installed'], [guid(1), guid(1)]);
  refusesAt(targetingFactsFormat as never, facts, ['products', 0, 'version'], 'x');
  refusesAt(targetingFactsFormat as never, facts, ['products', 1], facts.products[0], '/products/1/product');
});

const site: SiteFacts = {
  schema: 1,
  site: siteCode('PR1'),
  type: 'primary',
  products: [{ product: compiler, version: '5.8.3', installed: [guid(100)] }],
  platform: { os: 'linux', arch: 'x64' },
};
testDocument(siteFactsFormat, site, ['schema', 'site', 'type', 'products', 'platform']);

test('refuses site facts of a site that cannot exist', () => {
  for (const code of ['aux', 'AUX', 'PR', 'PR12', 'pr1', 'ÄBC', '']) {
    refusesAt(siteFactsFormat as never, site, ['site'], code);
  }
});

const siteReleases = {
  schema: 1,
  releases: [
    {
      product: 'hello',
      guid: '0d5f3a10-6f0b-4d2e-8a51-110000000001',
      version: '1.1',
      installed: ['0d5f3a10-6f0b-4d2e-8a51-110000000001'],
    },
  ],
};

testDocument(siteReleasesFormat as never, siteReleases, ['schema', 'releases']);
