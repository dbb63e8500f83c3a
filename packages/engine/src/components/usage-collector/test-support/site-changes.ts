import { utimes } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { digest, productId } from '@sallyport/core/shared/ids';
import { days, gibibytes } from '@sallyport/core/shared/units';
import { writeCare } from '../../distribution-manager/care-state.ts';
import { guids } from '../../hierarchy-manager/test-support/test-vendor.ts';
import { windowsSetting } from '../../update-installer/service-windows.ts';
import { writeCollector } from '../collector-state.ts';
import { putPolicy } from '../policy.ts';
import type { UsageChange } from './changes.ts';

/** Changes of one site that have nothing to do with packages. */
export const siteChanges: readonly UsageChange[] = [
  {
    when: 'another release of Sallyport runs',
    change: (site) => {
      site.sallyport = '0.2.0';
    },
    tells: { 'setup.sallyport': [{ version: '0.2.0' }] },
  },
  {
    when: 'three days pass',
    change: ({ hierarchy }) => hierarchy.clock.jump(days(3)),
    tells: {
      'setup.age': [{ days: 3 }],
      'system.uptime': [{ hours: 72 }],
      'components.stateAges': [{ component: 'SMS_HIERARCHY_MANAGER', hours: 72 }],
      'performance.processor': [{ used: 10, share: 0 }],
    },
  },
  {
    when: 'the site is restored twice',
    change: ({ database }) => database.write(({ records }) => records.raiseEpoch(3)),
    tells: { 'setup.restores': [{ restores: 2 }] },
  },
  {
    when: 'the machine is another one',
    change: ({ machine }) => {
      Object.assign(machine.described, {
        os: 'win32',
        arch: 'arm64',
        release: '10.0.26100-anna',
        processors: 8,
        memoryBytes: gibibytes(31.7),
        loadThousandths: 2300,
        node: '26.1.0',
        sqlite: '3.51.2',
        privileged: true,
      });
    },
    tells: {
      'system.platform': [{ os: 'win32', release: '10.0.26100', arch: 'arm64' }],
      'system.hardware': [{ processors: 8, memory: 32 }],
      'system.runtime': [{ node: '26.1.0', sqlite: '3.51.2' }],
      'system.rights': [{ separate: true }],
      'performance.load': [{ load: 2300 }],
    },
  },
  {
    when: 'the process works hard for a second',
    change: async ({ machine, hierarchy }) => {
      await hierarchy.clock.jump(1000);
      Object.assign(machine.used, {
        residentBytes: 9000,
        heapBytes: 4000,
        processorMs: 500,
        loopDelayP50Us: 70,
        loopDelayP99Us: 900,
        jobs: [{ job: 'hashFile', count: 3, failed: 1, ms: 44 }],
      });
    },
    tells: {
      'performance.memory': [{ resident: 9000, heap: 4000 }],
      'performance.processor': [{ used: 500, share: 500 }],
      'performance.delay': [{ half: 70, most: 900 }],
      'performance.jobs': [{ job: 'hashFile', count: 3, failed: 1, took: 44 }],
    },
  },
  {
    when: 'the disk fills',
    change: ({ site }) => {
      site.releases.freeBytes = () => Promise.resolve(42);
    },
    tells: { 'system.disk': [{ free: 42 }] },
  },
  {
    when: 'a component fails and another one is added',
    change: (site) => {
      site.components = [
        { name: 'SMS_HIERARCHY_MANAGER', state: 'failing', reason: 'x', since: 0, lastError: 'on server1' },
        { name: 'SMS_USAGE_COLLECTOR', state: 'waiting', reason: 'x', since: 0 },
      ];
    },
    tells: {
      'system.roles': [{ role: 'SMS_HIERARCHY_MANAGER' }, { role: 'SMS_USAGE_COLLECTOR' }],
      'components.states': [
        { component: 'SMS_HIERARCHY_MANAGER', state: 'failing' },
        { component: 'SMS_USAGE_COLLECTOR', state: 'waiting' },
      ],
      'components.failing': [{ failing: 1, hadFailed: 1 }],
    },
  },
  {
    when: 'components log warnings and errors',
    change: ({ logs }) => {
      const log = logs.of('SMS_PROVIDER');
      log.warn('of {who}', { who: 'anna' });
      log.error('of {who}', { who: 'anna' });
      log.error('of {who}', { who: 'anna' });
    },
    tells: {
      'components.errors': [{ errors: 2 }],
      'components.logged': [{ component: 'SMS_PROVIDER', warnings: 1, errors: 2 }],
    },
  },
  {
    when: 'the database grows and shrinks',
    change: ({ database }) => {
      database.write(({ settings }) => settings.put('big', 'x'.repeat(100_000)));
      database.write(({ settings }) => settings.put('big', 'x'));
    },
    tells: {
      'database.size': (rows, before) =>
        Number(rows[0]?.['file']) > Number(before[0]?.['file']) && Number(rows[0]?.['free']) > 90_000,
      'database.settings': (rows, before) =>
        rows[0]?.['settings'] === Number(before[0]?.['settings']) + 1 &&
        Number(rows[0]?.['size']) === Number(before[0]?.['size']) + 3,
      'database.tables': (rows, before) => rowsOf(rows, 'setting') === rowsOf(before, 'setting') + 1,
    },
  },
  {
    when: 'a newer release brings its database along, and goes again',
    inFile: true,
    change: ({ databasePath }) => {
      const newer = new DatabaseSync(databasePath);
      newer.exec("INSERT INTO migration (number, name, breaking) VALUES (900, 'of a newer release', 0)");
      newer.close();
    },
    tells: { 'database.schema': [{ step: 900 }] },
  },
  {
    when: 'much is written',
    inFile: true,
    change: ({ database }) => database.write(({ settings }) => settings.put('big', 'x'.repeat(300_000))),
    tells: {
      'database.log': (rows, before) => Number(rows[0]?.['log']) > Number(before[0]?.['log']) + 200_000,
    },
  },
  {
    when: 'a record is written',
    change: ({ database }) =>
      database.write(({ records }) => records.putOwn('site-status', 'new', { a: 1 }, 1)),
    tells: {
      'database.records': (rows, before) =>
        Number(rows[0]?.['own']) === Number(before[0]?.['own']) + 1 &&
        rows[0]?.['others'] === before[0]?.['others'],
      'database.recordKinds': (rows, before) =>
        recordsOf(rows, 'site-status') === recordsOf(before, 'site-status') + 1,
      'database.changes': (rows, before) =>
        Number(rows[0]?.['changes']) === Number(before[0]?.['changes']) + 1,
    },
  },
  {
    when: 'the content library is looked after',
    change: ({ database, hierarchy }) => {
      const now = hierarchy.clock.now();
      writeCare(database, {
        collectedAt: now - days(1),
        scrubbedAt: now - days(5),
        installs: 1,
        scrub: { checked: 4, checkedBytes: 4000, lost: 1 },
        lost: {
          digests: [digest('a'.repeat(64))],
          holdsBack: false,
          failures: 2,
          nextAt: now,
          reason: 'away from anna',
        },
        said: 'by anna',
      });
    },
    tells: {
      'content.damage': [{ blobs: 1, failures: 2 }],
      'tasks.tidying': [{ days: 1 }],
      'tasks.scrub': [{ days: 5 }],
      'tasks.scrubUnderWay': [{ blobs: 4, size: 4000, damaged: 1 }],
    },
  },
  {
    when: 'another product is installed',
    change: async ({ site }) => {
      await site.releases.switchTo({
        product: productId('another'),
        guid: guids.other,
        version: '1.0.0',
        folder: '1.0.0',
        treeSha256: '0'.repeat(64),
        installed: [guids.other],
      });
    },
    tells: {
      'content.releases': [
        { product: 'another', releases: 1 },
        { product: 'tool', releases: 1 },
      ],
    },
  },
  {
    when: 'the database is copied',
    change: async ({ backups, hierarchy }) => {
      const path = await backups.make('before-2.0.0');
      const at = (hierarchy.clock.now() - days(2)) / 1000;
      await utimes(path, at, at);
    },
    tells: {
      'tasks.backups': (rows) =>
        rows[0]?.['copies'] === 1 && rows[0]?.['newest'] === 48 && Number(rows[0]?.['size']) > 4096,
      'tasks.backupList': (rows) => rows.length === 1 && rows[0]?.['age'] === 2,
    },
  },
  {
    when: 'usage data were collected a week ago',
    change: ({ database, hierarchy }) =>
      database.write(({ settings }) =>
        writeCollector(settings, {
          schema: 1,
          setUpAt: hierarchy.clock.now(),
          last: {
            at: hierarchy.clock.now() - days(7),
            ms: 12,
            level: 'enhanced',
            request: 0,
            failedItems: 1,
            count: 3,
          },
        }),
      ),
    tells: { 'tasks.collection': [{ days: 7, took: 12, failed: 1, count: 3 }] },
  },
  {
    when: 'an administrator chooses another level',
    change: ({ hierarchy, database }) =>
      database.write(({ records }) =>
        putPolicy(
          records,
          { schema: 1, level: 'full', changedAt: '2026-01-10T00:00:00.000Z', changedBy: 'anna', request: 0 },
          hierarchy.clock.now(),
        ),
      ),
    tells: { 'configuration.level': [{ level: 'full' }] },
  },
  {
    when: 'service windows are set',
    change: ({ database }) =>
      database.write(({ settings }) =>
        settings.put(windowsSetting, [
          { days: ['monday', 'friday'], startsAt: '22:00', durationMinutes: 120, timeZone: 'Europe/Berlin' },
        ]),
      ),
    tells: {
      'configuration.windows': [{ windows: 1, weekly: 240 }],
      'configuration.windowLengths': [{ length: 120, days: 2 }],
    },
  },
  {
    when: 'an administrator asks, and is refused',
    change: async (site) => {
      await site.ask('list');
      await site.ask('list');
      await site.ask('show', { id: 'of anna' });
    },
    tells: {
      'console.use': [{ requests: 3, operations: 2, refused: 1 }],
      'console.operations': [
        { operation: 'list', requests: 2 },
        { operation: 'show', requests: 1 },
      ],
      'console.refusals': [{ operation: 'show', code: 'NOT_FOUND', requests: 1 }],
    },
  },
];

function rowsOf(rows: readonly Readonly<Record<string, unknown>>[], table: string): number {
  return Number(rows.find((row) => row['table'] === table)?.['rows']);
}

function recordsOf(rows: readonly Readonly<Record<string, unknown>>[], kind: string): number {
  return Number(rows.find((row) => row['kind'] === kind)?.['records']);
}
