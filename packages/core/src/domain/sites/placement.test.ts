import assert from 'node:assert/strict';
import { test } from 'node:test';
import { siteCode } from '../../shared/ids.ts';
import { type PlacedSite, placementRefusals, rosterProblems } from './placement.ts';
import type { SiteType } from './site.ts';

function site(code: string, type: SiteType, parent?: string, isRevoked = false): PlacedSite {
  return {
    code: siteCode(code),
    type,
    ...(parent === undefined ? {} : { parent: siteCode(parent) }),
    ...(isRevoked ? { revoked: { at: '2025-01-01T00:00:00Z', reason: 'stolen' } } : {}),
  };
}

function codes(candidate: PlacedSite, sites: readonly PlacedSite[]): readonly string[] {
  const refusals = placementRefusals(candidate, sites);
  assert.ok(refusals.every(({ reason, remedy }) => reason !== '' && remedy !== ''));
  return refusals.map(({ code }) => code);
}

const central = site('CAS', 'central');
const primary = site('PR1', 'primary', 'CAS');
const alone = site('STA', 'primary');

test('begins a hierarchy with a central administration site or a stand-alone primary', () => {
  assert.deepEqual(codes(central, []), []);
  assert.deepEqual(codes(alone, []), []);
  assert.deepEqual(codes(site('S01', 'secondary'), []), ['PARENT_MISSING']);
  assert.deepEqual(codes(primary, []), ['NO_TOP_TIER']);
});

test('has one top-tier site only', () => {
  assert.deepEqual(codes(site('CA2', 'central'), [central]), ['TOP_TIER_EXISTS']);
  assert.deepEqual(codes(site('PR2', 'primary'), [central]), ['TOP_TIER_EXISTS']);
  assert.deepEqual(codes(central, [alone]), ['TOP_TIER_EXISTS']);
  assert.deepEqual(codes(site('CA2', 'central', 'CAS'), [central]), ['CENTRAL_HAS_PARENT']);
});

test('puts primaries under the central site and secondaries under primaries', () => {
  assert.deepEqual(codes(primary, [central]), []);
  assert.deepEqual(codes(site('S01', 'secondary', 'PR1'), [central, primary]), []);
  assert.deepEqual(codes(site('S01', 'secondary', 'STA'), [alone]), []);
  assert.deepEqual(codes(site('S01', 'secondary', 'CAS'), [central]), ['PARENT_WRONG_TYPE']);
  assert.deepEqual(codes(site('PR2', 'primary', 'PR1'), [central, primary]), ['PARENT_WRONG_TYPE']);
  assert.deepEqual(
    codes(site('S02', 'secondary', 'S01'), [central, primary, site('S01', 'secondary', 'PR1')]),
    ['PARENT_WRONG_TYPE'],
  );
  const [refusal] = placementRefusals(site('PR2', 'primary', 'STA'), [alone]);
  assert.match(refusal?.reason ?? '', /STA is a stand-alone primary site/);
});

test('refuses a parent that is unknown or revoked, and a code that is taken', () => {
  assert.deepEqual(codes(site('PR2', 'primary', 'XYZ'), [central]), ['PARENT_UNKNOWN']);
  assert.deepEqual(codes(site('S01', 'secondary', 'PR1'), [central, { ...primary, revoked: {} }]), [
    'PARENT_REVOKED',
  ]);
  assert.deepEqual(codes(site('PR1', 'primary', 'CAS'), [central, primary]), ['CODE_TAKEN']);
  assert.deepEqual(codes(site('PR1', 'primary', 'CAS'), [central, { ...primary, revoked: {} }]), [
    'CODE_TAKEN',
  ]);
});

function children(count: number, type: SiteType, parent: string, isRevoked = false): PlacedSite[] {
  return Array.from({ length: count }, (_, index) =>
    site(
      `${type === 'primary' ? 'X' : 'Y'}${index.toString(36).toUpperCase().padStart(2, '0')}`,
      type,
      parent,
      isRevoked,
    ),
  );
}

test('keeps to the limits of the hierarchy; revoked sites do not count', () => {
  const candidate = site('PR1', 'primary', 'CAS');
  assert.deepEqual(codes(candidate, [central, ...children(24, 'primary', 'CAS')]), []);
  assert.deepEqual(codes(candidate, [central, ...children(25, 'primary', 'CAS')]), ['TOO_MANY_PRIMARIES']);
  assert.deepEqual(codes(candidate, [central, ...children(25, 'primary', 'CAS', true)]), []);
  const secondary = site('S01', 'secondary', 'PR1');
  assert.deepEqual(codes(secondary, [central, primary, ...children(249, 'secondary', 'PR1')]), []);
  assert.deepEqual(codes(secondary, [central, primary, ...children(250, 'secondary', 'PR1')]), [
    'TOO_MANY_SECONDARIES',
  ]);
});

test('accepts a whole roster in any order, with revoked parents in it', () => {
  const roster = [
    site('S01', 'secondary', 'PR1'),
    { ...primary, revoked: {} },
    central,
    site('PR2', 'primary', 'CAS'),
  ];
  assert.deepEqual(rosterProblems(roster), []);
});

test('finds circles, second top-tier sites, strays and doubles in a roster', () => {
  const problems = (sites: readonly PlacedSite[]): readonly string[] =>
    rosterProblems(sites).map(({ code, site: at }) => `${at} ${code}`);
  assert.deepEqual(problems([central, site('S01', 'secondary', 'S02'), site('S02', 'secondary', 'S01')]), [
    'S01 PARENT_UNKNOWN',
    'S02 PARENT_UNKNOWN',
  ]);
  assert.deepEqual(problems([central, alone]), ['STA TOP_TIER_EXISTS']);
  assert.deepEqual(problems([central, site('PR1', 'primary', 'XYZ')]), ['PR1 PARENT_UNKNOWN']);
  assert.deepEqual(problems([central, primary, primary]), ['PR1 CODE_TAKEN']);
  assert.deepEqual(problems([site('PR1', 'primary', 'PR1')]), ['PR1 PARENT_UNKNOWN']);
});

test('judges the largest roster in one pass', () => {
  const primaries = children(25, 'primary', 'CAS');
  const secondaries = primaries.flatMap(({ code }, at) =>
    Array.from({ length: 250 }, (_, index) =>
      site((at * 250 + index).toString(36).toUpperCase().padStart(3, '0'), 'secondary', code),
    ),
  );
  assert.deepEqual(
    rosterProblems([...secondaries, ...primaries, central]).map(({ code }) => code),
    [],
  );
});
