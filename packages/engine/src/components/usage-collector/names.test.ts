import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { hashIdentifying } from '@sallyport/core/domain/usage/hashing';
import { usageItem } from '@sallyport/core/domain/usage/registry';
import { problemsOfItems } from '@sallyport/core/domain/usage/row-check';
import { siteCode } from '@sallyport/core/shared/ids';
import { factsRecordKey } from '../hierarchy-manager/own-records.ts';
import { guids } from '../hierarchy-manager/test-support/test-vendor.ts';
import { windowsSetting } from '../update-installer/service-windows.ts';
import { finds, orders } from './test-support/deeds.ts';
import { putPolicy } from './policy.ts';
import { ToldSite } from './test-support/told-site.ts';

/** Names of people, machines and places, wherever a site lets one write them. */
const planted = [
  'anna.secret',
  'server1.corp.example',
  '10.1.2.3',
  'anna@corp.example',
  'C:\\Users\\anna',
  '/home/anna',
];
const all = planted.join(' ');

/** A site on which the names stand in everything that takes text. */
async function plantedSite(t: Parameters<typeof ToldSite.start>[0]): Promise<ToldSite> {
  const site = await ToldSite.start(t, 'CAS');
  const { hierarchy, database } = site;
  await finds(site);
  await orders(site);
  hierarchy.happen('CAS', guids.update, 'prerequisites-started', { by: all });
  hierarchy.happen('CAS', guids.update, 'prerequisites-passed', {
    reason: all,
    results: [{ id: all, title: all, severity: 'error', status: 'passed', detail: all, remedy: all }],
  });
  hierarchy.happen('CAS', guids.update, 'install-started', { version: all, previousVersion: all });
  hierarchy.happen('CAS', guids.update, 'install-failed', {
    code: all,
    step: all,
    reason: all,
    output: all,
    version: all,
  });
  hierarchy.vendor.fault = new Error(all);
  await hierarchy.top.operations.check().catch(() => undefined);
  database.write(({ settings, records }) => {
    settings.put(windowsSetting, [
      { days: ['monday'], startsAt: '22:00', durationMinutes: 60, timeZone: 'Europe/Berlin', title: all },
    ]);
    settings.put('note', all);
    putPolicy(
      records,
      { schema: 1, level: 'full', changedAt: '2026-01-10T00:00:00.000Z', changedBy: all, request: 0 },
      1,
    );
  });
  const child = hierarchy.site('PR1');
  child.database.write(({ records }) => {
    records.putOwn(
      'site-status',
      'components',
      {
        schema: 1,
        components: [{ name: all, state: all, reason: all, since: 0, lastError: all }],
      },
      1,
    );
    records.putOwn(
      'site-facts',
      factsRecordKey,
      {
        schema: 1,
        site: siteCode('PR1'),
        type: 'primary',
        products: [{ product: 'tool', version: all, installed: [] }],
        platform: { os: all, arch: all },
      },
      1,
    );
  });
  await hierarchy.settle();
  site.components = [{ name: 'SMS_X', state: 'failing', reason: all, since: 0, lastError: all }];
  site.logs.of('SMS_X').error(all, { err: all });
  site.machine.described.release = `6.8.0-${planted[0]}`;
  site.configuration = { ...site.configuration, ring: all };
  hierarchy.childLinks = [
    { site: siteCode('PR1'), lastSeenAt: hierarchy.clock.now(), behind: 3, problem: all },
  ];
  await site.ask('show', { id: all });
  await site.ask('install', { id: all, by: all });
  return site;
}

const mac = (text: string): string => createHmac('sha256', 'a key').update(text).digest('base64url');

test('names of people, machines and places are told nowhere, at no level', async (t) => {
  const site = await plantedSite(t);
  const text = JSON.stringify(await site.tells('full'));
  for (const name of planted)
    assert.ok(!text.includes(JSON.stringify(name).slice(1, -1)), `${name} stands in ${text}`);
});

test('site codes stand in identifying columns only, and nowhere once they are hashed', async (t) => {
  const items = await (await plantedSite(t)).tells('full');
  const codes = ['CAS', 'PR1'];
  let seen = 0;
  for (const [id, rows] of Object.entries(items)) {
    for (const row of rows) {
      for (const [column, cell] of Object.entries(row)) {
        if (!codes.includes(String(cell))) continue;
        seen += 1;
        assert.equal(
          usageItem(id)?.columns.find(({ name }) => name === column)?.identifies,
          true,
          `${id} ${column}`,
        );
      }
    }
  }
  assert.ok(seen > 5, 'there is something to hash');
  const hashed = hashIdentifying(items, mac);
  const text = JSON.stringify(hashed);
  for (const code of codes) assert.ok(!text.includes(`"${code}"`));
  assert.deepEqual(problemsOfItems(hashed, 'full', 'hashed'), []);
  assert.ok(problemsOfItems(items, 'full', 'hashed').every(({ code }) => code === 'NOT_HASHED'));
});

test('what a lower level tells says no more of names than the higher one', async (t) => {
  const site = await plantedSite(t);
  const basic = await site.tells('basic');
  for (const [id, rows] of Object.entries(basic)) {
    const identifying = usageItem(id)?.columns.filter(({ identifies }) => identifies === true) ?? [];
    assert.deepEqual(identifying, [], `${id} belongs to level basic and names something`);
    assert.ok(rows.length <= 500);
  }
});
