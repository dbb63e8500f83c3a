import { test } from 'node:test';
import { digest, siteCode } from '../shared/ids.ts';
import type { Order } from '../domain/updates/order.ts';
import { epochMax } from '../domain/sites/epoch.ts';
import type { OperatingKeyStatement, ReplicatedRecord, Roster } from '../domain/sites/site.ts';
import type { UpdateEvent } from '../domain/updates/event.ts';
import { compiler, guid, hierarchy } from '../domain/updates/test-support/packages.ts';
import { orderFormat } from './order.ts';
import { recordFormat } from './record.ts';
import { operatingKeyFormat, rosterFormat } from './roster.ts';
import { refusesAt, testDocument } from './test-support/hostile.ts';
import { updateEventFormat } from './update-event.ts';

const key = digest('e'.repeat(64));
const instant = '2025-09-01T00:00:00Z';

const order: Order = {
  schema: 1,
  hierarchyId: hierarchy,
  sequence: 7,
  action: 'install',
  product: compiler,
  guid: guid(1),
  descriptor: { sha256: digest('b'.repeat(64)), sizeBytes: 10 },
  attempt: 1,
  sites: [siteCode('S01')],
  issuedAt: instant,
  issuedBy: 'ada',
  consent: {
    by: 'ada',
    at: instant,
    warnings: [{ site: siteCode('PR1'), prerequisite: 'disk', title: 'Disk' }],
  },
  licence: { by: 'ada', at: instant, textSha256: 'c'.repeat(64) },
  features: ['f'],
};
testDocument(orderFormat, order, [
  'schema',
  'hierarchyId',
  'sequence',
  'action',
  'product',
  'guid',
  'descriptor',
  'attempt',
  'sites',
  'issuedAt',
  'issuedBy',
  'features',
]);

test('refuses an order that is not understood to its last word', () => {
  refusesAt(orderFormat as never, order, ['dryRun'], true);
  refusesAt(orderFormat as never, order, ['consent', 'everything'], true);
  refusesAt(orderFormat as never, order, ['action'], 'uninstall');
  refusesAt(orderFormat as never, order, ['sites'], 'everybody');
  refusesAt(orderFormat as never, order, ['sites'], []);
  refusesAt(orderFormat as never, order, ['sites'], [siteCode('S01'), siteCode('S01')]);
  refusesAt(orderFormat as never, order, ['sites', 0], 'nobody');
});

test('refuses numbers that go back, and consent to nothing', () => {
  refusesAt(orderFormat as never, order, ['sequence'], 0);
  refusesAt(orderFormat as never, order, ['attempt'], 0);
  refusesAt(orderFormat as never, order, ['consent', 'warnings'], []);
  refusesAt(orderFormat as never, order, ['licence', 'textSha256'], 'yes');
});

const roster: Roster = {
  schema: 1,
  hierarchyId: hierarchy,
  version: 3,
  sites: [
    { code: siteCode('CAS'), type: 'central', key, epoch: 1 },
    {
      code: siteCode('PR1'),
      type: 'primary',
      parent: siteCode('CAS'),
      key,
      epoch: 1,
      revoked: { at: instant, reason: 'stolen' },
    },
  ],
};
testDocument(rosterFormat, roster, ['schema', 'hierarchyId', 'version', 'sites']);

test('refuses a roster with sites that cannot be', () => {
  refusesAt(rosterFormat as never, roster, ['sites'], []);
  refusesAt(rosterFormat as never, roster, ['sites', 0, 'code'], 'CON');
  refusesAt(rosterFormat as never, roster, ['sites', 0, 'key'], 'x');
  refusesAt(rosterFormat as never, roster, ['sites', 0, 'epoch'], 0);
  refusesAt(rosterFormat as never, roster, ['sites', 0, 'epoch'], epochMax + 1);
  refusesAt(rosterFormat as never, roster, ['sites', 1, 'revoked'], true);
  refusesAt(rosterFormat as never, roster, ['sites', 1, 'parent'], null);
});

const statement: OperatingKeyStatement = {
  schema: 1,
  hierarchyId: hierarchy,
  sequence: 1,
  recoveryKey: key,
  operatingKey: key,
};
testDocument(operatingKeyFormat, statement, [
  'schema',
  'hierarchyId',
  'sequence',
  'recoveryKey',
  'operatingKey',
]);

const record: ReplicatedRecord = {
  owner: siteCode('PR1'),
  kind: 'update-event',
  key: `${guid(1)}/0000000001`,
  epoch: 1,
  n: 1,
  body: { anything: [1, 'two', null] },
  hash: digest('f'.repeat(64)),
};
testDocument(recordFormat, record, ['owner', 'kind', 'key', 'epoch', 'n', 'body', 'hash']);

test('refuses a record with what its hash does not cover', () => {
  refusesAt(recordFormat as never, record, ['extra'], 1);
  refusesAt(recordFormat as never, record, ['kind'], 'secret');
  refusesAt(recordFormat as never, record, ['n'], 0);
  refusesAt(recordFormat as never, record, ['epoch'], 0);
  refusesAt(recordFormat as never, record, ['epoch'], epochMax + 1);
  refusesAt(recordFormat as never, record, ['key'], '');
  refusesAt(recordFormat as never, record, ['body', 'anything', 0], 0.5);
});

const event: UpdateEvent = {
  guid: guid(1),
  site: siteCode('PR1'),
  attempt: 0,
  sequence: 1,
  event: 'download-started',
  at: 1_756_684_800_000,
  data: { reason: 'Because.\n', nextAt: 5, deep: { list: [1] } },
};
testDocument(updateEventFormat, event, ['guid', 'site', 'attempt', 'sequence', 'event', 'at', 'data']);

test('refuses events that have no name here, and data that is no object', () => {
  refusesAt(updateEventFormat as never, event, ['event'], 'install-forced');
  refusesAt(updateEventFormat as never, event, ['data'], []);
  refusesAt(updateEventFormat as never, event, ['sequence'], 0);
  refusesAt(updateEventFormat as never, event, ['at'], -1);
});
