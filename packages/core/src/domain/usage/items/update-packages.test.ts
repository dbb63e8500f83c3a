import assert from 'node:assert/strict';
import { test } from 'node:test';
import { packageGuid, productId, siteCode } from '../../../shared/ids.ts';
import type { UpdateEvent, UpdateEventName, UpdateProjection, UpdateState } from '../../updates/event.ts';
import { usageItem } from '../registry.ts';
import { bareFacts } from '../test-support/bare-facts.ts';

const site = siteCode('CAS');
const product = productId('engine');
const guid = packageGuid('00000000-0000-4000-8000-000000000001');

function event(name: UpdateEventName, data: UpdateEvent['data'] = {}): UpdateEvent {
  return { guid, site, attempt: 1, sequence: 1, event: name, at: 1, data };
}

function projection(state: UpdateState): UpdateProjection {
  return {
    guid,
    site,
    attempt: 1,
    sequence: 1,
    state,
    since: 1,
    reason: 'r',
    stepsDone: [],
    contentHeld: true,
    data: {},
  };
}

const facts = {
  ...bareFacts,
  packages: new Map([
    [
      guid,
      {
        product,
        version: '2.0',
        kind: 'version-update' as const,
        releasedAt: 1,
        withdrawn: false,
        impact: [],
      },
    ],
  ]),
  projections: [projection('INSTALL_SUCCESS')],
  events: [
    event('install-failed', { code: 'HEALTH_CHECK_FAILED', step: 'health-check' }),
    event('install-failed', { code: 'HEALTH_CHECK_FAILED', step: 'health-check' }),
    event('prerequisites-failed'),
    event('install-succeeded'),
  ],
};

test('each package is told with its state and how its installs ended', () => {
  assert.deepEqual(usageItem('updates.packages')?.rows(facts), [
    { package: guid, product, version: '2.0', state: 'INSTALL_SUCCESS', succeeded: 1, failed: 2 },
  ]);
  assert.deepEqual(usageItem('updates.packages')?.rows(bareFacts), []);
});

test('failures are told by package, code and step, and a step or code that there is none of is said to be none', () => {
  assert.deepEqual(usageItem('updates.failures')?.rows(facts), [
    {
      package: guid,
      product,
      version: '2.0',
      event: 'install-failed',
      code: 'HEALTH_CHECK_FAILED',
      step: 'health-check',
      times: 2,
    },
    {
      package: guid,
      product,
      version: '2.0',
      event: 'prerequisites-failed',
      code: 'none',
      step: 'none',
      times: 1,
    },
  ]);
  const unknown = { ...facts, packages: new Map() };
  assert.equal(usageItem('updates.failures')?.rows(unknown)[0]?.['version'], 'other');
});
