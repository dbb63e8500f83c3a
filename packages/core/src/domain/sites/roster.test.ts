import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { hierarchyId, siteCode } from '../../shared/ids.ts';
import { goesDown, goesUp, judgeDownward, judgeUpward } from './record-flow.ts';
import { ancestorsOf, compareRosters, descendantsOf, isTopTier, rosterDefects, topTierOf } from './roster.ts';
import type { RecordKind, Roster, RosterEntry, SiteType } from './site.ts';

function site(code: string, type: SiteType, parent?: string, more: Partial<RosterEntry> = {}): RosterEntry {
  return {
    code: siteCode(code),
    type,
    ...(parent === undefined ? {} : { parent: siteCode(parent) }),
    key: code.toLowerCase(),
    epoch: 1,
    ...more,
  };
}

function rosterOf(sites: readonly RosterEntry[], version = 1): Roster {
  return { schema: 1, hierarchyId: hierarchyId('0'.repeat(64)), version, sites };
}

const roster = rosterOf([
  site('CAS', 'central'),
  site('P01', 'primary', 'CAS'),
  site('P02', 'primary', 'CAS'),
  site('S01', 'secondary', 'P01'),
  site('S02', 'secondary', 'P01', { revoked: { at: '2026-01-01T00:00:00Z', reason: 'stolen' } }),
]);
const [CAS, P01, P02, S01, S02] = ['CAS', 'P01', 'P02', 'S01', 'S02'].map(siteCode) as [
  ReturnType<typeof siteCode>,
  ReturnType<typeof siteCode>,
  ReturnType<typeof siteCode>,
  ReturnType<typeof siteCode>,
  ReturnType<typeof siteCode>,
];

test('knows who is above and below a site', () => {
  assert.deepEqual(
    ancestorsOf(roster, S01).map((entry) => entry.code),
    [P01, CAS],
  );
  assert.deepEqual(ancestorsOf(roster, CAS), []);
  assert.deepEqual(
    descendantsOf(roster, P01).map((entry) => entry.code),
    [S01, S02],
  );
  assert.deepEqual(
    descendantsOf(roster, CAS).map((entry) => entry.code),
    [P01, P02, S01, S02],
  );
  assert.equal(topTierOf(roster)?.code, CAS);
  assert.equal(isTopTier(roster, P01), false);
});

test('a child writes for itself and for sites below it, and for nobody else', () => {
  const kind = 'update-event';
  assert.equal(judgeUpward(roster, P01, { owner: P01, kind }).kind, 'allowed');
  assert.equal(judgeUpward(roster, P01, { owner: S01, kind }).kind, 'allowed');
  assert.equal(judgeUpward(roster, P01, { owner: P02, kind }).kind, 'refused');
  assert.equal(judgeUpward(roster, P01, { owner: CAS, kind }).kind, 'refused');
  assert.equal(judgeUpward(roster, S01, { owner: P01, kind }).kind, 'refused');
  assert.equal(judgeUpward(roster, P01, { owner: siteCode('XYZ'), kind }).kind, 'refused');
});

test('a child never writes what only the top-tier site may', () => {
  for (const kind of ['roster', 'operating-key', 'order', 'join-answer'] satisfies RecordKind[]) {
    assert.equal(judgeUpward(roster, P01, { owner: P01, kind }).kind, 'refused', kind);
  }
});

test('records of a revoked site are left out without stopping the link', () => {
  assert.equal(judgeUpward(roster, P01, { owner: S02, kind: 'site-status' }).kind, 'ignored');
});

test('orders, rosters and offers come from the top-tier site only, events from ancestors only', () => {
  assert.equal(judgeDownward(roster, S01, { owner: CAS, kind: 'order' }).kind, 'allowed');
  assert.equal(judgeDownward(roster, S01, { owner: P01, kind: 'order' }).kind, 'refused');
  assert.equal(judgeDownward(roster, S01, { owner: P01, kind: 'update-event' }).kind, 'allowed');
  assert.equal(judgeDownward(roster, S01, { owner: P02, kind: 'update-event' }).kind, 'refused');
  assert.equal(judgeDownward(roster, S01, { owner: S01, kind: 'update-event' }).kind, 'refused');
  assert.equal(judgeDownward(roster, S01, { owner: CAS, kind: 'site-facts' }).kind, 'refused');
});

test('what one side gives is what the other side takes', () => {
  const codes = roster.sites.map((entry) => entry.code);
  const kinds: RecordKind[] = [
    'roster',
    'operating-key',
    'order',
    'site-releases',
    'join-answer',
    'site-status',
    'site-facts',
    'update-event',
    'join-request',
  ];
  fc.assert(
    fc.property(
      fc.constantFrom(...codes),
      fc.constantFrom(...codes),
      fc.constantFrom(...kinds),
      (self, owner, kind) => {
        assert.equal(
          goesUp(roster, self, { owner, kind }),
          judgeUpward(roster, self, { owner, kind }).kind === 'allowed',
        );
        assert.equal(
          goesDown(roster, self, { owner, kind }),
          judgeDownward(roster, self, { owner, kind }).kind === 'allowed',
        );
        assert.ok(
          !(goesUp(roster, self, { owner, kind }) && goesDown(roster, self, { owner, kind })),
          'nothing goes both ways',
        );
      },
    ),
  );
});

test('of two rosters the higher version counts, unless the top-tier site has been restored since', () => {
  const restored = rosterOf([site('CAS', 'central', undefined, { epoch: 2 })], 3);
  assert.ok(compareRosters(rosterOf(roster.sites, 5), roster) > 0);
  assert.ok(compareRosters(restored, rosterOf(roster.sites, 9)) > 0);
  assert.equal(compareRosters(roster, roster), 0);
});

test('names what makes a roster impossible to follow', () => {
  const defectsOf = (...sites: RosterEntry[]) => rosterDefects(rosterOf(sites)).join(' ');
  assert.equal(defectsOf(...roster.sites), '');
  assert.match(defectsOf(), /no top-tier site/);
  assert.match(defectsOf(site('CAS', 'central'), site('PRI', 'primary')), /top-tier site already/);
  assert.match(
    defectsOf(
      site('CAS', 'central'),
      site('P01', 'primary', 'CAS'),
      site('P01', 'primary', 'CAS', { key: 'x' }),
    ),
    /P01 is taken/,
  );
  assert.match(
    defectsOf(site('CAS', 'central'), site('P01', 'primary', 'CAS', { key: 'cas' })),
    /key of site P01/,
  );
  assert.match(
    defectsOf(site('CAS', 'central'), site('P01', 'primary', 'ABC')),
    /No chain of parents leads from P01/,
  );
  assert.match(
    defectsOf(site('CAS', 'central'), site('P01', 'primary', 'P02'), site('P02', 'primary', 'P01')),
    /No chain/,
  );
});
