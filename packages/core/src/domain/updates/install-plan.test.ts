import assert from 'node:assert/strict';
import { test } from 'node:test';
import { siteCode } from '../../shared/ids.ts';
import type { RosterEntry, SiteType } from '../sites/site.ts';
import type { UpdateState } from './event.ts';
import { mayStart, siteTurns } from './install-plan.ts';
import type { ServiceWindow } from './service-window.ts';

const at = Date.parse('2025-09-03T12:00:00Z'); // a Wednesday
const night: ServiceWindow = { days: ['saturday'], startsAt: '02:00', durationMinutes: 60, timeZone: 'UTC' };
const primary = { type: 'primary', parent: siteCode('CAS') } as const;

test('lets the top-tier site start when no window is set', () => {
  assert.deepEqual(mayStart({ site: { type: 'central' }, parentState: undefined, windows: [], at }), {
    kind: 'go',
  });
});

test('holds a site until its parent has installed, before it looks at windows', () => {
  for (const parentState of [undefined, 'INSTALL_IN_PROGRESS', 'INSTALL_FAILED'] as const) {
    const verdict = mayStart({ site: primary, parentState, windows: [night], at });
    assert.ok(verdict.kind === 'wait' && verdict.for === 'parent');
    assert.match(verdict.reason, /CAS installs first/);
  }
});

test('holds any site outside its windows, and says when the next one opens', () => {
  for (const site of [{ type: 'central' }, primary] as const) {
    const verdict = mayStart({ site, parentState: 'INSTALL_SUCCESS', windows: [night], at });
    assert.deepEqual(verdict, {
      kind: 'wait',
      for: 'window',
      reason: 'No service window is open; the next one opens at 2025-09-06T02:00:00.000Z.',
      nextAt: Date.parse('2025-09-06T02:00:00Z'),
    });
  }
  const open = Date.parse('2025-09-06T02:30:00Z');
  assert.deepEqual(mayStart({ site: primary, parentState: 'INSTALL_SUCCESS', windows: [night], at: open }), {
    kind: 'go',
  });
});

function entry(code: string, type: SiteType, parent?: string): RosterEntry {
  return {
    code: siteCode(code),
    type,
    ...(parent === undefined ? {} : { parent: siteCode(parent) }),
    key: '',
    epoch: 1,
  };
}

const roster = [
  entry('S01', 'secondary', 'PR1'),
  entry('PR2', 'primary', 'CAS'),
  entry('PR1', 'primary', 'CAS'),
  entry('CAS', 'central'),
  { ...entry('PR9', 'primary', 'CAS'), revoked: { at: '2025-01-01T00:00:00Z', reason: 'stolen' } },
];

function turns(
  states: Readonly<Record<string, UpdateState>>,
  requested: readonly string[] = [],
): Record<string, string> {
  const map = new Map(Object.entries(states).map(([code, state]) => [siteCode(code), state]));
  return Object.fromEntries(
    siteTurns(roster, map, new Set(requested.map(siteCode))).map(({ site, turn }) => [site, turn]),
  );
}

test('takes sites from the top down, revoked ones left out', () => {
  assert.deepEqual(Object.keys(turns({})), ['CAS', 'PR1', 'PR2', 'S01']);
  assert.deepEqual(turns({}), { CAS: 'now', PR1: 'after-parent', PR2: 'after-parent', S01: 'on-request' });
  assert.deepEqual(turns({ CAS: 'INSTALL_SUCCESS' }), {
    CAS: 'done',
    PR1: 'now',
    PR2: 'now',
    S01: 'on-request',
  });
});

test('takes a secondary site on request only, after its own parent', () => {
  const states = { CAS: 'INSTALL_SUCCESS', PR2: 'INSTALL_SUCCESS' } as const;
  assert.equal(turns(states, ['S01'])['S01'], 'after-parent');
  assert.equal(turns({ ...states, PR1: 'INSTALL_SUCCESS' }, ['S01'])['S01'], 'now');
});
