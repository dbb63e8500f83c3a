import { test } from 'node:test';
import { catalogue, descriptor, entry, guid, rollout } from '../domain/updates/test-support/packages.ts';
import { digest, productId } from '../shared/ids.ts';
import type { Catalogue, Rollout, ServiceInfo } from '../domain/updates/package.ts';
import { catalogueFormat } from './catalogue.ts';
import { rolloutFormat } from './rollout.ts';
import { serviceInfoFormat } from './service-info.ts';
import { refusesAt, testDocument } from './test-support/hostile.ts';

const listed: Catalogue = catalogue([
  entry(descriptor()),
  entry(descriptor({ guid: guid(2), kind: 'hotfix' }), {
    withdrawn: { at: '2025-09-01', reason: 'It breaks.' },
  }),
]);
testDocument(catalogueFormat, listed, ['schema', 'product', 'productName', 'requiresUsageData', 'packages']);

test('refuses a catalogue that names a GUID twice, whatever else the lines say', () => {
  refusesAt(catalogueFormat as never, listed, ['packages', 1, 'guid'], guid(1));
});

test('refuses lines of a catalogue that say too little', () => {
  refusesAt(
    catalogueFormat as never,
    listed,
    ['packages', 1, 'withdrawn'],
    {},
    '/packages/1/withdrawn/reason',
  );
  refusesAt(catalogueFormat as never, listed, ['packages', 1, 'withdrawn'], false);
  refusesAt(catalogueFormat as never, listed, ['packages', 0, 'descriptor', 'sha256'], '');
  refusesAt(catalogueFormat as never, listed, ['packages', 0, 'version'], '');
  refusesAt(catalogueFormat as never, listed, ['packages', 0], null);
});

const rolled: Rollout = rollout([guid(1), guid(2)], {
  percentage: 25,
  ring: 'early',
  held: { reason: 'a' },
  heldWhere: [{ reason: 'c', rule: { all: [{ fact: 'platform.os', is: 'linux' }] } }],
  stopped: { reason: 'b' },
  floor: true,
});
testDocument(rolloutFormat, rolled, ['schema', 'product', 'packages']);

test('refuses a roll-out that says two things of a package, or something that it does not understand', () => {
  refusesAt(rolloutFormat as never, rolled, ['packages', 1, 'guid'], guid(1));
  // A field that narrows must not be ignored: that would widen.
  refusesAt(rolloutFormat as never, rolled, ['packages', 0, 'countries'], ['CH']);
  refusesAt(rolloutFormat as never, rolled, ['onlyFor'], 'someone');
});

test('refuses shares that are none', () => {
  for (const percentage of [-1, 101, '50', null]) {
    refusesAt(rolloutFormat as never, rolled, ['packages', 0, 'percentage'], percentage);
  }
  refusesAt(rolloutFormat as never, rolled, ['packages', 0, 'percentage'], 0.5);
  refusesAt(rolloutFormat as never, rolled, ['packages', 0, 'seed'], '');
  refusesAt(rolloutFormat as never, rolled, ['packages', 0, 'held'], true);
  refusesAt(rolloutFormat as never, rolled, ['packages', 0, 'heldWhere'], { reason: 'c' });
});

const service: ServiceInfo = {
  schema: 1,
  vendor: 'Vendor',
  products: [productId('typescript')],
  offerKeys: [digest('e'.repeat(64))],
};
testDocument(serviceInfoFormat, service, ['schema', 'vendor', 'products', 'offerKeys']);

test('refuses keys that are no keys', () => {
  for (const key of ['', 'e'.repeat(63), 'E'.repeat(64), `${'e'.repeat(62)}zz`, 5]) {
    refusesAt(serviceInfoFormat as never, service, ['offerKeys', 0], key);
  }
});
