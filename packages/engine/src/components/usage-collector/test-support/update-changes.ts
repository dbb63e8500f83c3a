import { days, hours } from '@sallyport/core/shared/units';
import { guids, product } from '../../hierarchy-manager/test-support/test-vendor.ts';
import { orderSettingName, readOrders } from '../../hierarchy-manager/order-setting.ts';
import { finds, installs, orders, passes, puts } from './deeds.ts';
import type { UsageChange } from './changes.ts';

const update = guids.update;

/** Changes of packages at one site. */
export const updateChanges: readonly UsageChange[] = [
  {
    when: 'a version update is found and downloaded',
    change: (site) => finds(site),
    tells: {
      'updates.states': [{ product, state: 'DOWNLOAD_SUCCESS', packages: 1 }],
      'updates.newer': [{ product, packages: 1, oldest: 4 }],
      'updates.events': [
        { event: 'applicable', times: 1 },
        { event: 'download-started', times: 1 },
        { event: 'download-succeeded', times: 1 },
      ],
      'updates.history': [
        { package: update, attempt: 0, event: 'applicable', hours: 0 },
        { package: update, attempt: 0, event: 'download-started', hours: 0 },
        { package: update, attempt: 0, event: 'download-succeeded', hours: 0 },
      ],
      'downloads.results': [{ from: 'vendor', succeeded: 1, failed: 0 }],
      'downloads.volume': (rows) => Number(rows[0]?.['received']) > 0 && Number(rows[0]?.['content']) > 5000,
      'downloads.routes': (rows) => rows.length === 4 && rows.some(({ segments }) => Number(segments) > 0),
      'downloads.times': [{ transfers: 1, least: 0, middle: 0, most: 0 }],
      'downloads.packages': (rows) => rows.length === 1 && rows[0]?.['package'] === update,
      'content.library': (rows, before) => Number(rows[0]?.['blobs']) > Number(before[0]?.['blobs']),
      'content.sizes': (rows) => rows.length > 0,
    },
  },
  {
    when: 'content comes at 4000 bytes a second',
    prepare: ({ hierarchy }) => hierarchy.top.downloader.stop(),
    change: async ({ hierarchy }) => {
      hierarchy.happen('CAS', update, 'applicable');
      hierarchy.happen('CAS', update, 'download-started');
      await hierarchy.clock.jump(500);
      hierarchy.happen('CAS', update, 'download-succeeded', { receivedBytes: 2000, totalBytes: 9000 });
    },
    tells: {
      'downloads.speed': [{ least: 4000, middle: 4000, most: 4000 }],
      'downloads.times': [{ transfers: 1, least: 500, middle: 500, most: 500 }],
    },
  },
  {
    when: 'a download fails for the third time',
    prepare: ({ hierarchy }) => hierarchy.top.downloader.stop(),
    change: ({ hierarchy }) => {
      hierarchy.happen('CAS', update, 'applicable');
      hierarchy.happen('CAS', update, 'download-started');
      hierarchy.happen('CAS', update, 'download-failed', {
        code: 'HASH_MISMATCH',
        failures: 3,
        reason: 'from 10.0.0.7',
      });
    },
    tells: {
      'updates.errors': [{ product: 'other', event: 'download-failed', code: 'HASH_MISMATCH', times: 1 }],
      'downloads.results': [{ from: 'vendor', succeeded: 0, failed: 1 }],
      'downloads.errors': [{ from: 'vendor', code: 'HASH_MISMATCH', times: 1 }],
      'downloads.retries': [{ most: 3 }],
    },
  },
  {
    when: 'an ordered package reaches a child, and is installed there',
    at: 'PR1',
    change: async (site) => {
      await finds(site);
      await orders(site);
      await passes(site);
      await installs(site);
    },
    tells: {
      'setup.products': [{ product, version: '2.0.0', packages: 2 }],
      'setup.packageKinds': [
        { product, kind: 'baseline', packages: 1 },
        { product, kind: 'version-update', packages: 1 },
      ],
      'setup.installedPackages': [
        { product, package: guids.base, version: '1.0.0', withdrawn: false },
        { product, package: update, version: '2.0.0', withdrawn: false },
      ],
      'updates.installs': [{ product, succeeded: 1, failed: 0 }],
      'updates.lastInstall': [{ product, package: update, days: 0 }],
      'updates.installTimes': [{ product, installs: 1, least: 600, middle: 600, most: 600 }],
      'updates.stepTimes': (rows) => rows.length === 6 && rows.every(({ most }) => most === 100),
      'updates.delay': [{ product, installs: 1, least: 4, middle: 4, most: 4 }],
      'prerequisites.checks': [{ passed: 1, warned: 0, failed: 0 }],
      'prerequisites.passed': [{ prerequisite: 'disk', severity: 'error', times: 1 }],
      'prerequisites.times': [{ checks: 1, least: 40, middle: 40, most: 40 }],
      'downloads.results': [{ from: 'parent', succeeded: 1, failed: 0 }],
    },
  },
  {
    when: 'a prerequisite check finds all kinds of things',
    prepare: async (site) => {
      await finds(site);
      await orders(site);
    },
    change: ({ hierarchy }) => {
      hierarchy.happen('CAS', update, 'prerequisites-started');
      const result = { title: '', detail: 'of server1', remedy: '' };
      hierarchy.happen('CAS', update, 'prerequisites-failed', {
        results: [
          { ...result, id: 'room', severity: 'error', status: 'failed' },
          { ...result, id: 'backup', severity: 'warning', status: 'warning' },
          { ...result, id: 'port', severity: 'error', status: 'unknown' },
          'no result',
        ],
      });
    },
    tells: {
      'prerequisites.checks': [{ passed: 0, warned: 0, failed: 1 }],
      'prerequisites.failed': [{ prerequisite: 'room', severity: 'error', times: 1 }],
      'prerequisites.warned': [{ prerequisite: 'backup', severity: 'warning', times: 1 }],
      'prerequisites.unknown': [{ prerequisite: 'port', severity: 'error', times: 1 }],
    },
  },
  {
    when: 'an install fails at the health check and is rolled back',
    prepare: async (site) => {
      await finds(site);
      await orders(site);
      await passes(site);
    },
    change: ({ hierarchy }) => {
      hierarchy.happen('CAS', update, 'install-started');
      hierarchy.happen('CAS', update, 'install-failed', {
        code: 'UNHEALTHY',
        step: 'health-check',
        rolledBack: true,
        reason: 'at server1',
        output: 'anna was here',
      });
    },
    tells: {
      'updates.installs': [{ product, succeeded: 0, failed: 1 }],
      'updates.errors': [{ product, event: 'install-failed', code: 'UNHEALTHY', times: 1 }],
      'updates.failedSteps': [{ product, step: 'health-check', times: 1, rolledBack: 1 }],
      'updates.packages': (rows) =>
        rows.some(
          (row) => row['package'] === update && row['failed'] === 1 && row['state'] === 'INSTALL_FAILED',
        ),
      'updates.failures': (rows) =>
        rows.some((row) => row['package'] === update && row['code'] === 'UNHEALTHY' && row['times'] === 1),
    },
  },
  {
    when: 'a package waits for its window for three hours',
    prepare: async (site) => {
      await finds(site);
      await orders(site);
      await passes(site);
    },
    change: async ({ hierarchy }) => {
      hierarchy.happen('CAS', update, 'waiting-for-window', { reason: 'closed' });
      await hierarchy.clock.jump(hours(3));
    },
    tells: {
      'updates.waiting': [{ state: 'INSTALL_WAITING_SERVICE_WINDOW', packages: 1, longest: 3 }],
    },
  },
  {
    when: 'an order is cancelled and given again',
    prepare: async (site) => {
      await finds(site);
      await orders(site);
    },
    change: async (site) => {
      await site.hierarchy.top.operations.cancel({ id: '2.0.0', by: 'eve' });
      await site.hierarchy.settle();
      await orders(site);
    },
    tells: {
      'updates.takenBack': [{ product, cancelled: 1, reset: 0 }],
      'updates.attempts': [{ product, packages: 1, most: 2 }],
    },
  },
  {
    when: 'orders are refused and put off',
    change: ({ database }) =>
      database.write(({ settings }) =>
        settings.put(orderSettingName, {
          ...readOrders(settings),
          deferred: [7],
          refused: [{ sequence: 6, code: 'WITHDRAWN', reason: 'it eats files of anna', at: 1 }],
        }),
      ),
    tells: {
      'updates.deferredOrders': [{ orders: 1 }],
      'updates.refusedOrders': [{ code: 'WITHDRAWN', orders: 1 }],
    },
  },
  {
    when: 'the vendor withdraws what is installed',
    prepare: async (site) => {
      await finds(site);
      await puts(site, update, '2.0.0');
      await site.hierarchy.clock.advance(6_000);
    },
    change: async ({ hierarchy }) => {
      const entry = hierarchy.vendor.entries.get(update);
      if (entry === undefined) throw new RangeError('nothing to withdraw');
      hierarchy.vendor.entries.set(update, {
        ...entry,
        withdrawn: { at: '2026-01-11T00:00:00Z', reason: 'it eats files' },
      });
      hierarchy.vendor.sign();
      await hierarchy.top.operations.check();
    },
    tells: {
      'updates.withdrawn': [{ product, packages: 1 }],
      'setup.installedPackages': [
        { product, package: guids.base, version: '1.0.0', withdrawn: false },
        { product, package: update, version: '2.0.0', withdrawn: true },
      ],
    },
  },
  {
    when: 'a package for clients comes into force',
    prepare: (site) => finds(site, { impact: ['site-server', 'client', 'console'] }),
    change: async (site) => {
      await puts(site, update, '2.0.0');
      await site.hierarchy.clock.advance(6_000);
    },
    tells: {
      'clients.packages': [
        { impact: 'client', packages: 1 },
        { impact: 'console', packages: 1 },
      ],
      'updates.newer': [],
    },
  },
  {
    when: 'a quarter is over',
    prepare: (site) => finds(site),
    change: ({ hierarchy }) => hierarchy.clock.jump(days(93)),
    tells: { 'updates.events': (rows) => !rows.some(({ event }) => event === 'download-succeeded') },
  },
];
