import assert from 'node:assert/strict';
import { test } from 'node:test';
import { siteCode } from '../../shared/ids.ts';
import type { UpdateProjection, UpdateState } from './event.ts';
import { overallState } from './overall-state.ts';
import { guid } from './test-support/packages.ts';

const top = siteCode('CAS');

function at(code: string, state?: UpdateState, attempt = 1) {
  const site = siteCode(code);
  const projection: UpdateProjection | undefined =
    state === undefined
      ? undefined
      : {
          guid: guid(1),
          site,
          attempt,
          sequence: 1,
          state,
          since: 5,
          reason: `${code} says so.`,
          stepsDone: [],
          contentHeld: true,
          data: {},
        };
  return { site, projection };
}

test("shows the top-tier site's own state until something is ordered", () => {
  const overall = overallState(top, [at('CAS', 'DOWNLOAD_SUCCESS', 0), at('PR1')]);
  assert.deepEqual(
    [overall.state, overall.site, overall.since, overall.reason],
    ['DOWNLOAD_SUCCESS', top, 5, 'CAS says so.'],
  );
});

test('shows the worst site, and names it', () => {
  const overall = overallState(top, [
    at('CAS', 'PREREQ_SUCCESS'),
    at('PR1', 'PREREQ_ERROR'),
    at('PR2', 'PREREQ_WARNING'),
  ]);
  assert.deepEqual([overall.state, overall.site, overall.reason], ['PREREQ_ERROR', 'PR1', 'PR1 says so.']);
  assert.deepEqual(overall.counts, { PREREQ_SUCCESS: 1, PREREQ_ERROR: 1, PREREQ_WARNING: 1 });
  assert.equal(
    overallState(top, [at('CAS', 'PREREQ_SUCCESS'), at('PR1', 'PREREQ_WARNING')]).state,
    'PREREQ_WARNING',
  );
});

test('is installed only when every site is', () => {
  assert.equal(
    overallState(top, [at('CAS', 'INSTALL_SUCCESS'), at('PR1', 'INSTALL_WAITING_SERVICE_WINDOW')]).state,
    'INSTALL_WAITING_SERVICE_WINDOW',
  );
  assert.equal(
    overallState(top, [at('CAS', 'INSTALL_SUCCESS'), at('PR1', 'INSTALL_SUCCESS')]).state,
    'INSTALL_SUCCESS',
  );
});

test('shows installing while one site installs and others wait for it', () => {
  const overall = overallState(top, [at('CAS', 'INSTALL_IN_PROGRESS'), at('PR1', 'INSTALL_WAITING_PARENT')]);
  assert.equal(overall.state, 'INSTALL_IN_PROGRESS');
});

test('counts a site that the order has not reached as enabled', () => {
  const overall = overallState(top, [at('CAS', 'INSTALL_SUCCESS'), at('PR1')]);
  assert.deepEqual([overall.state, overall.site], ['ENABLED', 'PR1']);
  assert.match(overall.reason, /PR1 has said nothing/);
});

test('lets sites that gave the order up decide only where all have', () => {
  assert.equal(
    overallState(top, [at('CAS', 'DOWNLOAD_SUCCESS'), at('PR1', 'PREREQ_IN_PROGRESS')]).state,
    'PREREQ_IN_PROGRESS',
  );
  assert.equal(
    overallState(top, [at('CAS', 'DOWNLOAD_SUCCESS'), at('PR1', 'UNKNOWN')]).state,
    'DOWNLOAD_SUCCESS',
  );
});
