import assert from 'node:assert/strict';
import { test } from 'node:test';
import { digest } from '../../shared/ids.ts';
import { hierarchyFrom } from '../updates/facts.ts';
import { select } from '../updates/selection.ts';
import {
  catalogue,
  compiler,
  descriptor,
  entry,
  guid,
  rollout,
  sha256,
  targetingFacts,
} from '../updates/test-support/packages.ts';
import type { TargetingFacts } from './exchange.ts';
import { makeOffer, type OfferRequest } from './offer.ts';

const older = descriptor({ guid: guid(1), version: '5.9.0' });
const newer = descriptor({ guid: guid(2), version: '5.9.2' });
const held = descriptor({ guid: guid(3), kind: 'hotfix', version: '5.8.3' });
const descriptors = [older, newer, held];

function request(facts: TargetingFacts = targetingFacts()): OfferRequest {
  const packages = rollout([guid(1), guid(2), guid(3)]).packages.map((one) =>
    one.guid === guid(3) ? { ...one, held: { reason: 'A fault.' } } : one,
  );
  return {
    facts,
    factsSha256: digest('c'.repeat(64)),
    sequence: 4,
    issuedAt: '2025-09-01T00:00:00Z',
    expiresAt: '2025-10-01T00:00:00Z',
    products: [
      {
        catalogue: catalogue(descriptors.map((one) => entry(one))),
        descriptors: new Map(descriptors.map((one) => [one.guid, one])),
        rollout: { kind: 'rollout', rollout: { schema: 1, product: compiler, packages } },
      },
    ],
    sha256,
  };
}

test('offers what applies, the superseded included, and says why it withholds the rest', () => {
  const offer = makeOffer(request());
  assert.deepEqual(offer.packages, [
    { guid: guid(1), offered: true },
    { guid: guid(2), offered: true },
    { guid: guid(3), offered: false, reason: 'The vendor holds it back: A fault.' },
  ]);
  assert.deepEqual(
    [offer.hierarchyId, offer.sequence, offer.factsSha256],
    [targetingFacts().hierarchyId, 4, 'c'.repeat(64)],
  );
});

test('offers nothing of a product that the hierarchy does not report', () => {
  const offer = makeOffer(request(targetingFacts({ products: [] })));
  assert.ok(offer.packages.every(({ offered }) => !offered));
});

test('agrees with what the site selects on the same facts', () => {
  const asked = request();
  const offer = makeOffer(asked);
  const [product] = asked.products;
  assert.ok(product !== undefined);
  const results = select({
    ...product,
    hierarchy: hierarchyFrom(asked.facts, compiler),
    offer: { kind: 'offer', offer },
    sha256,
  });
  assert.deepEqual(
    results.map(({ verdict }) => verdict),
    ['superseded', 'available', 'not-available'],
  );
});
