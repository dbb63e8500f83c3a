import assert from 'node:assert/strict';
import { test } from 'node:test';
import { siteCode } from '../../shared/ids.ts';
import type { WarningConsent } from './order.ts';
import type { Prerequisite, PrerequisiteCheck, Severity } from './package.ts';
import {
  appliesToSite,
  type CheckOutcome,
  evaluatePrerequisite,
  unconsented,
  worst,
} from './prerequisites.ts';

function prerequisite(check: PrerequisiteCheck, severity: Severity = 'error', id = 'p'): Prerequisite {
  return { id, title: 'A thing', severity, remedy: 'Do it.', check };
}

function status(check: PrerequisiteCheck, outcome: CheckOutcome, severity: Severity = 'error'): string {
  return evaluatePrerequisite(prerequisite(check, severity), outcome).status;
}

test('compares free disk with what is needed', () => {
  const check = { kind: 'free-disk', sizeBytes: 100 } as const;
  assert.equal(status(check, { kind: 'free-disk', freeBytes: 100 }), 'passed');
  assert.equal(status(check, { kind: 'free-disk', freeBytes: 99 }), 'failed');
  assert.equal(status(check, { kind: 'free-disk', freeBytes: 99 }, 'warning'), 'warning');
  assert.equal(
    evaluatePrerequisite(prerequisite(check), { kind: 'free-disk', freeBytes: 99 }).detail,
    '99 B free, 100 B needed.',
  );
});

test('judges rules over facts and tells which fact stands against it', () => {
  const check = { kind: 'rule', rule: { fact: 'product.version', atLeast: '5.9' } } as const;
  assert.equal(status(check, { kind: 'rule', facts: { 'product.version': '5.9.2' } }), 'passed');
  assert.equal(status(check, { kind: 'rule', facts: {} }), 'unknown');
  const failed = evaluatePrerequisite(prerequisite(check), {
    kind: 'rule',
    facts: { 'product.version': '5.8' },
  });
  assert.deepEqual(
    [failed.status, failed.detail],
    ['failed', 'product.version must be at least 5.9; it is 5.8.'],
  );
});

test('judges commands by how they end', () => {
  const check = { kind: 'command', command: { run: ['check'], timeoutMs: 1 } } as const;
  const ended = { kind: 'command', timedOut: false, output: ' two words \n' } as const;
  assert.equal(status(check, { ...ended, exitCode: 0 }), 'passed');
  assert.equal(status(check, { ...ended, exitCode: 3 }), 'failed');
  assert.equal(status(check, { ...ended, exitCode: null }), 'unknown');
  assert.equal(status(check, { ...ended, exitCode: null, timedOut: true }), 'unknown');
  assert.equal(status(check, { ...ended, exitCode: null, startError: 'not found' }), 'unknown');
  assert.match(
    evaluatePrerequisite(prerequisite(check), { ...ended, exitCode: 3 }).detail,
    /exit code 3\. It printed: two words$/,
  );
});

test('passes without pending work and names it otherwise', () => {
  const check = { kind: 'no-pending-work' } as const;
  assert.equal(status(check, { kind: 'no-pending-work', pending: [] }), 'passed');
  assert.match(
    evaluatePrerequisite(prerequisite(check), { kind: 'no-pending-work', pending: ['an install'] }).detail,
    /an install/,
  );
});

test('never passes what was not looked at', () => {
  assert.equal(status({ kind: 'no-pending-work' }, { kind: 'not-run', reason: 'stopped' }), 'unknown');
  assert.equal(status({ kind: 'no-pending-work' }, { kind: 'free-disk', freeBytes: 1 }), 'unknown');
});

test('asks at the site types named, and everywhere when none is', () => {
  assert.ok(appliesToSite(prerequisite({ kind: 'no-pending-work' }), 'secondary'));
  const named: Prerequisite = { ...prerequisite({ kind: 'no-pending-work' }), siteTypes: ['central'] };
  assert.deepEqual([appliesToSite(named, 'central'), appliesToSite(named, 'primary')], [true, false]);
});

test('takes the worst result, and the unknown by its severity', () => {
  const check = { kind: 'no-pending-work' } as const;
  const passed = evaluatePrerequisite(prerequisite(check), { kind: 'no-pending-work', pending: [] });
  const warning = evaluatePrerequisite(prerequisite(check, 'warning'), {
    kind: 'no-pending-work',
    pending: ['x'],
  });
  const unknownWarning = evaluatePrerequisite(prerequisite(check, 'warning'), {
    kind: 'not-run',
    reason: 'x',
  });
  const unknownError = evaluatePrerequisite(prerequisite(check), { kind: 'not-run', reason: 'x' });
  assert.equal(worst([]), 'passed');
  assert.equal(worst([passed]), 'passed');
  assert.equal(worst([passed, warning]), 'warning');
  assert.equal(worst([passed, unknownWarning]), 'warning');
  assert.equal(worst([warning, unknownError]), 'failed');
});

test('waits for consent to each warning by name and site; consent covers no error', () => {
  const check = { kind: 'no-pending-work' } as const;
  const pending: CheckOutcome = { kind: 'no-pending-work', pending: ['x'] };
  const results = [
    evaluatePrerequisite(prerequisite(check, 'warning', 'w1'), pending),
    evaluatePrerequisite(prerequisite(check, 'warning', 'w2'), pending),
    evaluatePrerequisite(prerequisite(check, 'error', 'e1'), pending),
    evaluatePrerequisite(prerequisite(check, 'warning', 'fine'), { kind: 'no-pending-work', pending: [] }),
  ];
  const here = siteCode('PR1');
  const consent: WarningConsent = {
    by: 'ada',
    at: '2025-09-01T00:00:00Z',
    warnings: [
      { site: here, prerequisite: 'w1', title: 'A thing' },
      { site: siteCode('PR2'), prerequisite: 'w2', title: 'A thing' },
      { site: here, prerequisite: 'e1', title: 'A thing' },
    ],
  };
  const ids = (given: WarningConsent | undefined): readonly string[] =>
    unconsented(results, given, here).map(({ id }) => id);
  assert.deepEqual(ids(undefined), ['w1', 'w2']);
  assert.deepEqual(ids(consent), ['w2']);
  assert.equal(worst(results), 'failed');
});
