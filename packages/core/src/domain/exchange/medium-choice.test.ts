import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PackageDescriptor } from '../updates/package.ts';
import { catalogue, descriptor, entry, guid } from '../updates/test-support/packages.ts';
import { type ChoiceInput, choosePackages } from './medium-choice.ts';

const packages: readonly PackageDescriptor[] = [
  descriptor({ guid: guid(1), version: '5.8.3', kind: 'baseline' }),
  descriptor({ guid: guid(2), version: '5.9.2', appliesTo: { lowest: '5.8' } }),
  descriptor({
    guid: guid(3),
    version: '5.9.3',
    kind: 'hotfix',
    appliesTo: { lowest: '5.9.2', highest: '5.9.2' },
  }),
  descriptor({ guid: guid(4), version: '6.0.0', appliesTo: { lowest: '5.9' } }),
  descriptor({ guid: guid(5), version: '5.8.1', kind: 'hotfix' }),
  descriptor({ guid: guid(6), version: '7.0.0' }),
];

function chosen(change: Partial<ChoiceInput>): readonly string[] {
  const entries = packages.map((of) =>
    of.guid === guid(6) ? entry(of, { withdrawn: { at: '2026-01-01', reason: 'it eats files' } }) : entry(of),
  );
  return choosePackages({
    choice: 'newest',
    version: '5.8.3',
    catalogue: catalogue(entries),
    descriptors: new Map(packages.map((of) => [of.guid, of])),
    ...change,
  }).map(({ version }) => version);
}

test('the newest is the newest version update that the vendor offers', () => {
  const offered = new Map([
    [guid(2), { guid: guid(2), offered: true as const }],
    [guid(3), { guid: guid(3), offered: true as const }],
    [guid(4), { guid: guid(4), offered: false as const, reason: 'held' }],
  ]);
  assert.deepEqual(chosen({ offered }), ['5.9.2']);
  assert.deepEqual(chosen({ offered: new Map() }), [], 'an offer of nothing brings nothing');
});

test('without an offer it is the newest that installs over the site’s version', () => {
  assert.deepEqual(chosen({}), ['5.9.2']);
  assert.deepEqual(chosen({ version: '5.9.2' }), ['6.0.0']);
  assert.deepEqual(chosen({ version: '6.0.0' }), []);
});

test('the other choices ask nobody: they make room, and the site decides', () => {
  assert.deepEqual(chosen({ choice: 'site-version', offered: new Map() }), ['5.9.2', '5.9.3', '6.0.0']);
  assert.deepEqual(chosen({ choice: 'hotfixes' }), ['5.9.3', '5.8.1']);
  assert.deepEqual(chosen({ choice: 'all' }), ['5.9.2', '5.9.3', '6.0.0', '5.8.1']);
});

test('a package without its description is not brought', () => {
  assert.deepEqual(chosen({ choice: 'all', descriptors: new Map() }), []);
});
