import assert from 'node:assert/strict';
import { test } from 'node:test';
import { productId, siteCode } from '../../shared/ids.ts';
import { factsOfSite, hierarchyFrom } from './facts.ts';
import { compiler, guid, targetingFacts } from './test-support/packages.ts';

test('makes the facts for applicability rules of targeting facts', () => {
  const made = hierarchyFrom(targetingFacts(), compiler);
  assert.deepEqual(made.product, { version: '5.8.3', installed: [guid(100)] });
  assert.deepEqual(made.facts, {
    'hierarchy.ring': 'general',
    'sites.total': 4,
    'sites.central': 1,
    'sites.primary': 2,
    'sites.secondary': 1,
    'platform.os': 'linux',
    'platform.arch': 'x64',
    'product.version': '5.8.3',
    [`package.${guid(100)}`]: true,
    'sites.lowestVersion': '5.8.3',
    'sites.sameVersion': true,
  });
});

test('tells the lowest version of all sites, and nothing when one cannot be compared', () => {
  const versions = (list: readonly string[]): unknown => {
    const [product] = targetingFacts().products;
    assert.ok(product !== undefined);
    const made = targetingFacts({
      products: [{ ...product, versions: list.map((version) => ({ version, type: 'primary', sites: 1 })) }],
    });
    const { facts } = hierarchyFrom(made, compiler);
    return [facts['sites.lowestVersion'], facts['sites.sameVersion']];
  };
  assert.deepEqual(versions(['5.10.0', '5.9.2']), ['5.9.2', false]);
  assert.deepEqual(versions(['5.9.2', 'nightly']), [undefined, undefined]);
  assert.deepEqual(versions([]), [undefined, undefined]);
});

test('knows nothing of a product that is not reported', () => {
  const made = hierarchyFrom(targetingFacts(), productId('other'));
  assert.equal(made.product, undefined);
  assert.equal('product.version' in made.facts, false);
});

test('makes the facts for prerequisite rules of what a site says of itself', () => {
  const facts = factsOfSite(
    {
      schema: 1,
      site: siteCode('PR1'),
      type: 'primary',
      products: [{ product: compiler, version: '5.8.3', installed: [guid(100)] }],
      platform: { os: 'linux', arch: 'x64' },
    },
    compiler,
    [guid(1), guid(100)],
  );
  assert.deepEqual(facts, {
    'site.code': 'PR1',
    'site.type': 'primary',
    'platform.os': 'linux',
    'platform.arch': 'x64',
    'product.version': '5.8.3',
    [`package.${guid(1)}`]: false,
    [`package.${guid(100)}`]: true,
  });
});
