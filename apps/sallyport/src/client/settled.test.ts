import assert from 'node:assert/strict';
import { test } from 'node:test';
import { packageGuid, siteCode } from '@sallyport/core/shared/ids';
import type { ActionResult, SiteStatusResult, StatusResult } from '@sallyport/core/wire/api';
import { progressOf } from './settled.ts';

const guid = packageGuid('0d5f3a10-6f0b-4d2e-8a51-110000000001');
const channel = { result: 'ok' } as const;
const action: ActionResult = {
  kind: 'ordered',
  guid,
  message: '',
  orders: [{ sequence: 2, guid, attempt: 2 }],
  sites: [siteCode('CAS'), siteCode('PR1')],
  notes: [],
};

test('is under way until every site it is for has come to rest', () => {
  assert.equal(kindOf(['INSTALL_SUCCESS', 2], ['INSTALL_IN_PROGRESS', 2]), 'under-way');
  assert.equal(kindOf(['INSTALL_SUCCESS', 2], ['INSTALL_FAILED', 2]), 'failed');
  assert.equal(kindOf(['INSTALL_SUCCESS', 2], ['INSTALL_SUCCESS', 2]), 'succeeded');
});

test('takes no state of an earlier attempt for the end of this one', () => {
  assert.equal(kindOf(['INSTALL_SUCCESS', 2], ['INSTALL_FAILED', 1]), 'under-way');
});

test('takes what a site had installed before for no answer to an order that is still on its way there', () => {
  assert.equal(kindOf(['INSTALL_SUCCESS', 2], ['INSTALL_SUCCESS', 1], { pending: true }), 'under-way');
  assert.equal(kindOf(['INSTALL_SUCCESS', 2], ['INSTALL_SUCCESS', 1]), 'succeeded', 'it had nothing to do');
});

test('has come to rest when a primary waits for a central site that has failed', () => {
  assert.equal(kindOf(['PREREQ_ERROR', 2], ['INSTALL_WAITING_PARENT', 2]), 'failed');
  assert.equal(kindOf(['INSTALL_FAILED', 2], ['CONTENT_REPLICATING', 2]), 'under-way');
  assert.equal(
    kindOf(['INSTALL_FAILED', 1], ['INSTALL_WAITING_PARENT', 2]),
    'under-way',
    'the central site begins anew',
  );
  assert.equal(kindOf(['INSTALL_SUCCESS', 2], ['INSTALL_WAITING_PARENT', 2]), 'under-way');
});

test('has failed where a site refused the order', () => {
  assert.equal(kindOf(['INSTALL_SUCCESS', 2], ['DOWNLOAD_SUCCESS', 1]), 'under-way');
  assert.equal(
    kindOf(['INSTALL_SUCCESS', 2], ['DOWNLOAD_SUCCESS', 1], { refused: { code: 'NOT_KNOWN', order: 2 } }),
    'failed',
  );
});

function kindOf(
  cas: readonly [string, number],
  pr1: readonly [string, number],
  more: Pick<SiteStatusResult, 'pending' | 'refused'> = {},
): string {
  const sites = [siteOf('CAS', 'central', cas), { ...siteOf('PR1', 'primary', pr1), ...more }];
  const status: StatusResult = {
    at: 0,
    exchange: { mode: 'vendor', metadata: channel, facts: channel, offer: channel, usage: channel },
    packages: [{ guid, name: 'Hello', action: 'install', state: '', stateCode: 0, reason: '', sites }],
  };
  return progressOf(status, action).kind;
}

function siteOf(
  site: string,
  type: 'central' | 'primary',
  [state, attempt]: readonly [string, number],
): SiteStatusResult {
  return { site: siteCode(site), type, state, stateCode: 0, reason: '', attempt, stepsDone: [], phases: [] };
}
