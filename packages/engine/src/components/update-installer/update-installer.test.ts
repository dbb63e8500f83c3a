import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Hook } from '@sallyport/core/domain/updates/package';
import { siteCode } from '@sallyport/core/shared/ids';
import { gone } from '../../../test-support/process-state.ts';
import { guids, never, product, TestSite, versionCheck } from './test-support/test-site.ts';

const timeoutMs = 20_000;
const linuxOnly = process.platform === 'linux' ? {} : { skip: 'this part of the promise is for Linux' };

function hook(site: TestSite, id: string, phase: Hook['phase'], then = '', more: Partial<Hook> = {}): Hook {
  return {
    id,
    phase,
    run: site.tracing(id, then),
    timeoutMs,
    undo: { run: site.tracing(`undo-${id}`), timeoutMs },
    ...more,
  };
}

/** The reason as it stands in the projection. */
function reasonAt(site: TestSite): string {
  return site.projection()?.reason ?? '';
}

test('an ordered package with its content is checked, installed, healthy and committed', async (t) => {
  const site = await TestSite.open(t);
  const { tree } = await site.publish({
    hooks: [hook(site, 'before', 'before-switch'), hook(site, 'after', 'after-switch')],
    prerequisites: [
      {
        id: 'room',
        title: 'Room',
        severity: 'error',
        remedy: 'Make room.',
        check: { kind: 'free-disk', sizeBytes: 1 },
      },
      {
        id: 'old',
        title: 'Runs 1.0.0',
        severity: 'error',
        remedy: 'Update.',
        check: {
          kind: 'rule',
          rule: {
            all: [
              { fact: 'product.version', is: '1.0.0' },
              { fact: 'site.type', is: 'primary' },
              { fact: 'site.code', is: 'PR1' },
              { fact: 'platform.os', is: process.platform },
              { fact: 'platform.node', atLeast: '24.0.0' },
              { fact: 'disk.freeBytes', atLeast: 1 },
              { fact: `package.${guids.old}`, is: true },
              { not: { fact: `package.${guids.new}`, is: true } },
            ],
          },
        },
      },
      {
        id: 'asks',
        title: 'Asks the release in force',
        severity: 'warning',
        remedy: 'None.',
        check: { kind: 'command', command: { run: ['/bin/sh', '{previousRelease}/tool.sh'], timeoutMs } },
      },
      {
        id: 'quiet',
        title: 'Nothing under way',
        severity: 'error',
        remedy: 'Wait.',
        check: { kind: 'no-pending-work' },
      },
    ],
  });
  site.order();
  await site.work();
  assert.deepEqual(site.events(), [
    'ordered',
    'replication-started',
    'replication-succeeded',
    'prerequisites-started',
    'prerequisites-passed',
    'install-started',
    'stage-release',
    'backup-database',
    'before-switch-hooks',
    'switch',
    'after-switch-hooks',
    'health-check',
    'install-succeeded',
  ]);
  assert.deepEqual(await site.trace(), ['before', 'after']);
  const current = await site.releases.current(product);
  assert.equal(current?.version, '2.0.0');
  assert.deepEqual(current.installed, [guids.old, guids.new]);
  assert.deepEqual(await site.releases.verify(product, current.folder, tree, never), []);
  assert.deepEqual(await site.releases.list(product), ['1.0.0', '2.0.0']);
  assert.deepEqual(await readdir(join(site.folder, 'backup')), ['before-tool-2.0.0.db']);
  assert.deepEqual(await site.scratchLeft(), []);
  assert.equal(site.journal(), undefined);
  for (const line of [
    'info Prerequisite room passed',
    'info Step switch finished',
    'info Switched tool from 1.0.0 to 2.0.0',
  ]) {
    assert.ok(site.log.lines.includes(line), line);
  }
});

test('a check-only order rests in its result and leaves nothing behind', async (t) => {
  const site = await TestSite.open(t);
  await site.publish({
    hooks: [hook(site, 'before', 'before-switch')],
    prerequisites: [
      {
        id: 'command',
        title: 'A command',
        severity: 'error',
        remedy: 'None.',
        check: {
          kind: 'command',
          command: { run: ['/bin/sh', '-c', 'echo checked > "{data}/file"'], timeoutMs },
        },
      },
    ],
  });
  const before = await readdir(join(site.folder, 'products', product, 'releases'));
  site.order({ action: 'check-prerequisites' });
  await site.work();
  assert.equal(site.projection()?.state, 'PREREQ_SUCCESS');
  assert.deepEqual(await readdir(join(site.folder, 'products', product, 'releases')), before);
  assert.deepEqual(await site.scratchLeft(), []);
  assert.deepEqual(await readdir(site.folder), ['content', 'database', 'products', 'scratch', 'trace']);
  assert.equal(site.installer.query().reason, 'nothing to install');
  await site.work();
  assert.equal(site.projection()?.state, 'PREREQ_SUCCESS');
});

test('an error blocks, whoever consents, and the result says what to do', async (t) => {
  const site = await TestSite.open(t);
  const id = 'room';
  await site.publish({
    prerequisites: [
      {
        id,
        title: 'Room',
        severity: 'error',
        remedy: 'Make room.',
        check: { kind: 'free-disk', sizeBytes: 2 ** 60 },
      },
      {
        id: 'ok',
        title: 'Fine',
        severity: 'warning',
        remedy: '',
        check: { kind: 'free-disk', sizeBytes: 0 },
      },
    ],
  });
  site.order({
    consent: { by: 'anna', at: '', warnings: [{ site: site.code, prerequisite: id, title: 'Room' }] },
  });
  await site.work();
  assert.equal(site.projection()?.state, 'PREREQ_ERROR');
  assert.match(reasonAt(site), /Room/);
  const results = site.projection()?.data['results'] as readonly Record<string, unknown>[];
  assert.deepEqual(
    results.map((result) => [result['id'], result['status'], result['remedy']]),
    [
      [
        'sallyport.installs-over',
        'passed',
        'Bring this site to a version that the package installs over first.',
      ],
      [id, 'failed', 'Make room.'],
      ['ok', 'passed', ''],
    ],
  );
  assert.equal(await site.runs(), '1.0.0');
});

test('a warning blocks until the order consents to exactly that warning at this site', async (t) => {
  const site = await TestSite.open(t);
  await site.publish({
    prerequisites: [
      {
        id: 'memory',
        title: 'Memory',
        severity: 'warning',
        remedy: 'Add memory.',
        check: { kind: 'command', command: { run: ['/bin/sh', '-c', 'echo too little; exit 4'], timeoutMs } },
      },
    ],
  });
  const consentTo = (code: string, prerequisite: string) => ({
    by: 'anna',
    at: '2026-01-01T00:00:00Z',
    warnings: [{ site: siteCode(code), prerequisite, title: 'Memory' }],
  });
  for (const consent of [undefined, consentTo('PR2', 'memory'), consentTo('PR1', 'other')]) {
    site.order(consent === undefined ? {} : { consent });
    await site.work();
    assert.equal(site.projection()?.state, 'PREREQ_WARNING');
    assert.match(reasonAt(site), /nobody has consented to: Memory/);
    assert.equal(await site.runs(), '1.0.0');
  }
  site.order({ consent: consentTo('PR1', 'memory') });
  await site.work();
  assert.equal(site.projection()?.state, 'INSTALL_SUCCESS');
  assert.equal(await site.runs(), '2.0.0');
});

test('a site below what the package installs over, or without what it requires, refuses by itself', async (t) => {
  const site = await TestSite.open(t);
  await site.publish({ appliesTo: { lowest: '1.5.0' }, requires: [guids.fix] });
  site.order();
  await site.work();
  assert.equal(site.projection()?.state, 'PREREQ_ERROR');
  assert.match(
    JSON.stringify(site.projection()?.data['results']),
    /installs over 1\.5\.0 and later.*Not installed: 0+-0000-4000-8000-0+3/,
  );
});

test('waits for the parent with a reason, and goes on when the parent is done', async (t) => {
  const site = await TestSite.open(t, { parent: 'CAS' });
  await site.publish();
  site.order();
  await site.work();
  assert.equal(site.projection()?.state, 'INSTALL_WAITING_PARENT');
  assert.match(reasonAt(site), /parent site CAS/);
  assert.match(site.installer.query().reason, /2\.0\.0 waits: The parent site CAS/);
  const parent = { site: siteCode('CAS') };
  site.tell('ordered', { action: 'install' }, { ...parent, attempt: 1 });
  for (const event of [
    'replication-started',
    'replication-succeeded',
    'prerequisites-started',
    'prerequisites-passed',
    'install-started',
  ] as const) {
    site.tell(event, {}, parent);
  }
  await site.work();
  assert.equal(site.projection()?.state, 'INSTALL_WAITING_PARENT');
  site.tell('install-succeeded', {}, parent);
  await site.work();
  assert.equal(site.projection()?.state, 'INSTALL_SUCCESS');
});

test('waits for the service window, says until when, and starts by itself when it opens', async (t) => {
  const site = await TestSite.open(t);
  await site.publish();
  const opensAt = site.clock.now() + 3 * 60 * 60 * 1000;
  // 2026-01-01, where the clock stands, is a Thursday.
  site.windows = [{ days: ['thursday'], startsAt: '03:00', durationMinutes: 60, timeZone: 'UTC' }];
  site.order();
  await site.work();
  assert.equal(site.projection()?.state, 'INSTALL_WAITING_SERVICE_WINDOW');
  assert.equal(site.projection()?.nextAt, opensAt);
  assert.equal(site.installer.query().nextAt, opensAt);
  const eventCount = site.events().length;
  await site.work();
  assert.equal(site.events().length, eventCount);

  const { promise: installed, resolve } = Promise.withResolvers<void>();
  t.after(
    site.database.onCommit(() => {
      if (site.projection()?.state === 'INSTALL_SUCCESS') resolve();
    }),
  );
  await site.clock.advance(opensAt - site.clock.now() - 1);
  assert.equal(site.projection()?.state, 'INSTALL_WAITING_SERVICE_WINDOW');
  await site.clock.advance(1);
  await installed;
  assert.equal(await site.runs(), '2.0.0');
  assert.equal(site.events().filter((event) => event === 'prerequisites-passed').length, 2);
});

test('prerequisites are asked again after a wait: what is not met any more stops the install', async (t) => {
  const site = await TestSite.open(t);
  const flag = join(site.folder, 'trace', 'flag');
  await writeFile(flag, '');
  await site.publish({
    prerequisites: [
      {
        id: 'flag',
        title: 'Flag',
        severity: 'error',
        remedy: 'Set it.',
        check: { kind: 'command', command: { run: ['/bin/sh', '-c', `test ! -s '${flag}'`], timeoutMs } },
      },
    ],
  });
  site.windows = [{ days: ['thursday'], startsAt: '03:00', durationMinutes: 60, timeZone: 'UTC' }];
  site.order();
  await site.work();
  assert.equal(site.projection()?.state, 'INSTALL_WAITING_SERVICE_WINDOW');
  await writeFile(flag, 'down');
  site.windows = [];
  await site.work();
  assert.equal(site.projection()?.state, 'PREREQ_ERROR');
  assert.equal(await site.runs(), '1.0.0');
});

test('a package ordered later waits for the one before it of the same product', async (t) => {
  const site = await TestSite.open(t);
  await site.publish();
  await site.publish({ guid: guids.fix, version: '2.0.1', kind: 'hotfix', requires: [guids.new] });
  site.order({ guid: guids.new, order: 1, content: false });
  site.order({ guid: guids.fix, order: 2 });
  await site.work();
  assert.equal(site.projection(guids.fix)?.state, 'CONTENT_REPLICATION_SUCCESS');
  assert.match(
    site.installer.query().reason,
    /2\.0\.0 waits for its content; 2\.0\.1 waits for the package ordered before it/,
  );
  site.tell('replication-started');
  site.tell('replication-succeeded');
  await site.work();
  assert.equal(site.projection(guids.new)?.state, 'INSTALL_SUCCESS');
  assert.equal(site.projection(guids.fix)?.state, 'INSTALL_SUCCESS');
  assert.equal(await site.runs(), '2.0.1');
  // Two are kept: the one in force and the one before.
  assert.deepEqual(await site.releases.list(product), ['2.0.0', '2.0.1']);
});

test('a failing hook before the switch is undone with those before it, and no release is left', async (t) => {
  const site = await TestSite.open(t);
  await site.publish({
    hooks: [
      hook(site, 'one', 'before-switch'),
      hook(site, 'two', 'before-switch', 'echo what happened >&2; exit 7'),
      hook(site, 'three', 'before-switch'),
    ],
  });
  site.order();
  await site.work();
  const { state, data } = site.projection() ?? {};
  assert.equal(state, 'INSTALL_FAILED');
  assert.equal(data?.['code'], 'HOOK_FAILED');
  assert.equal(data['step'], 'before-switch-hooks');
  assert.equal(data['rolledBack'], false);
  assert.equal(data['output'], 'what happened');
  assert.equal(reasonAt(site), 'Hook "two" ended with exit code 7. This site runs 1.0.0 as before.');
  assert.deepEqual(await site.trace(), ['one', 'two', 'undo-two', 'undo-one']);
  assert.equal(await site.runs(), '1.0.0');
  assert.deepEqual(await site.releases.list(product), ['1.0.0']);
  assert.deepEqual(await site.scratchLeft(), []);
  assert.equal(site.journal(), undefined);

  await site.publish();
  site.order();
  await site.work();
  assert.equal(site.projection()?.state, 'INSTALL_SUCCESS');
});

test('an unhealthy release is rolled back: the pointer first, then the hooks in reverse', async (t) => {
  const site = await TestSite.open(t);
  await site.publish({ guid: guids.old, version: '1.0.0', kind: 'baseline' });
  await site.publish({
    hooks: [
      hook(site, 'before', 'before-switch'),
      hook(site, 'after', 'after-switch', '', { undo: { run: ['/bin/false'], timeoutMs } }),
    ],
    healthCheck: { ...versionCheck('something else'), attemptsMax: 3, delayMs: 5_000 },
  });
  site.order();
  const working = site.work();
  for (let round = 0; round < 2; round += 1) {
    await site.clock.sleeping();
    await site.clock.advance(5_000);
  }
  await working;
  const { state, data } = site.projection() ?? {};
  assert.equal(state, 'INSTALL_FAILED');
  assert.equal(data?.['code'], 'HEALTH_CHECK_FAILED');
  assert.equal(data['rolledBack'], true);
  assert.equal(data['previousHealth'], 'healthy');
  assert.deepEqual(data['undoFailed'], ['after']);
  assert.match(
    reasonAt(site),
    /printed "2\.0\.0" instead of "something else"\. This site runs 1\.0\.0 again\./,
  );
  assert.deepEqual(await site.trace(), ['before', 'after', 'undo-before']);
  assert.equal(await site.runs(), '1.0.0');
  assert.deepEqual((await site.releases.current(product))?.installed, [guids.old]);
  assert.deepEqual(await site.releases.list(product), ['1.0.0']);
  assert.ok(site.log.lines.some((line) => line.includes('at attempt 3 of 3')));
});

test('a hook that hangs is ended at its limit, children included', linuxOnly, async (t) => {
  const site = await TestSite.open(t);
  await site.publish({
    hooks: [
      {
        id: 'slow',
        phase: 'before-switch',
        run: ['/bin/sh', '-c', 'sleep 900 & echo $!; wait'],
        timeoutMs: 500,
      },
    ],
  });
  site.order();
  await site.work();
  assert.equal(site.projection()?.state, 'INSTALL_FAILED');
  assert.match(reasonAt(site), /Hook "slow" did not end within 500 ms and was ended/);
  await gone(Number(site.projection()?.data['output']));
});

test('a hook may print a gigabyte: log and event stay small', async (t) => {
  const site = await TestSite.open(t);
  await site.publish({
    hooks: [
      {
        id: 'loud',
        phase: 'before-switch',
        run: ['/bin/sh', '-c', 'head -c 1000000000 /dev/zero; exit 1'],
        timeoutMs: 120_000,
      },
    ],
  });
  site.order();
  await site.work();
  assert.equal(site.projection()?.state, 'INSTALL_FAILED');
  assert.ok(JSON.stringify(site.projection()?.data).length < 10_000);
  assert.ok(site.log.lines.every((line) => line.length < 200_000));
});

test('a cancel during a hook ends the hook and leaves nothing behind', async (t) => {
  const site = await TestSite.open(t);
  await site.publish({
    hooks: [hook(site, 'one', 'before-switch'), hook(site, 'endless', 'before-switch', 'sleep 900')],
  });
  site.order();
  const working = site.work();
  const cancelled = (async () => {
    while (!(await site.trace()).includes('endless')) await new Promise((resolve) => setImmediate(resolve));
    site.tell('cancelled', { reason: 'Cancelled by anna.' });
  })();
  await Promise.all([working, cancelled]);
  assert.equal(site.projection()?.state, 'DOWNLOAD_SUCCESS');
  assert.equal(reasonAt(site), 'Cancelled by anna.');
  assert.deepEqual(await site.trace(), ['one', 'endless', 'undo-endless', 'undo-one']);
  assert.equal(await site.runs(), '1.0.0');
  assert.deepEqual(await site.releases.list(product), ['1.0.0']);
  assert.equal(site.journal(), undefined);
});

test('a cancel while the database is backed up, which nothing can interrupt, is honoured right after', async (t) => {
  const site = await TestSite.open(t);
  await site.publish();
  const ports = site.ports();
  const make = async (name: string): Promise<string> => {
    const path = await ports.backups.make(name);
    site.tell('cancelled', { reason: 'Cancelled by anna.' });
    return path;
  };
  site.installer = site.newInstaller({ ...ports, backups: { make } });
  site.order();
  await site.work();
  assert.equal(site.projection()?.state, 'DOWNLOAD_SUCCESS');
  assert.deepEqual(await site.releases.list(product), ['1.0.0']);
  assert.equal(site.journal(), undefined);
  assert.ok(!site.log.lines.some((line) => line.includes('Work failed')));
});

test('a newer order during a prerequisite command ends the command and is taken up', async (t) => {
  const site = await TestSite.open(t);
  const slow = { run: site.tracing('checking', 'sleep 900'), timeoutMs: 600_000 };
  const prerequisite = {
    id: 'slow',
    title: 'Slow',
    severity: 'error',
    remedy: '',
    check: { kind: 'command', command: slow },
  } as const;
  await site.publish({ prerequisites: [prerequisite] });
  site.order();
  const working = site.work();
  while (!(await site.trace()).includes('checking')) await new Promise((resolve) => setImmediate(resolve));
  await site.publish();
  site.order();
  await working;
  assert.equal(site.projection()?.attempt, 2);
  assert.equal(site.projection()?.state, 'INSTALL_SUCCESS');
  assert.deepEqual(await site.scratchLeft(), []);
});

test('a package that is stopped is given up while it waits, and taken back while it installs', async (t) => {
  const site = await TestSite.open(t);
  const stopped = { go: false, reason: 'The roll-out was stopped: it breaks printing.' } as const;
  await site.publish();
  site.windows = [{ days: ['thursday'], startsAt: '03:00', durationMinutes: 60, timeZone: 'UTC' }];
  site.order();
  await site.work();
  site.gateAnswer = stopped;
  await site.work();
  assert.equal(site.projection()?.state, 'DOWNLOAD_SUCCESS');
  assert.equal(reasonAt(site), stopped.reason);

  site.gateAnswer = { go: true };
  site.windows = [];
  await site.publish({ hooks: [hook(site, 'before', 'before-switch')] });
  await site.installer.stop();
  const ports = site.ports();
  site.installer = site.newInstaller({
    ...ports,
    processes: {
      run: async (command, signal) => {
        site.gateAnswer = stopped;
        return ports.processes.run(command, signal);
      },
    },
  });
  site.order();
  await site.work();
  assert.equal(site.projection()?.state, 'INSTALL_FAILED');
  assert.equal(site.projection()?.data['code'], 'STOPPED');
  assert.match(reasonAt(site), /it breaks printing/);
  assert.deepEqual(await site.trace(), ['before', 'undo-before']);
  assert.equal(await site.runs(), '1.0.0');
});

test('a package of which nothing is known for the moment waits with the reason, and an install under way goes on', async (t) => {
  const site = await TestSite.open(t);
  const undecided = { go: false, undecided: true, reason: 'The catalogue is damaged.' } as const;
  await site.publish({ hooks: [hook(site, 'before', 'before-switch')] });
  site.gateAnswer = undecided;
  site.order();
  await site.work();
  assert.equal(site.projection()?.state, 'CONTENT_REPLICATION_SUCCESS', 'not given up');
  const status = site.installer.query();
  assert.match(status.reason, /The catalogue is damaged/);
  assert.ok(status.nextAt !== undefined, 'and it is looked at again by itself');

  site.gateAnswer = { go: true };
  await site.installer.stop();
  const ports = site.ports();
  site.installer = site.newInstaller({
    ...ports,
    processes: {
      run: async (command, signal) => {
        site.gateAnswer = undecided;
        return ports.processes.run(command, signal);
      },
    },
  });
  await site.work();
  assert.equal(site.projection()?.state, 'INSTALL_SUCCESS');
});

test('content that is damaged fails the install with its place, and the site stays as it was', async (t) => {
  const site = await TestSite.open(t);
  const { tree } = await site.publish();
  const segment = tree.files[0]?.segments[0];
  assert.ok(segment);
  await site.blobs.remove(segment.sha256);
  site.order();
  await site.work();
  assert.equal(site.projection()?.state, 'INSTALL_FAILED');
  assert.equal(site.projection()?.data['code'], 'STAGE_FAILED');
  assert.match(reasonAt(site), /lib\/version\.txt cannot be built.*replicate the package again/);
  assert.deepEqual(await site.releases.list(product), ['1.0.0']);
});

test('a package that the release contains already is installed without doing anything', async (t) => {
  const site = await TestSite.open(t);
  await site.publish({ guid: guids.old, version: '1.0.0', hooks: [hook(site, 'never', 'before-switch')] });
  site.order({ guid: guids.old });
  await site.work();
  assert.equal(site.projection(guids.old)?.state, 'INSTALL_SUCCESS');
  assert.match(site.projection(guids.old)?.reason ?? '', /already/);
  assert.deepEqual(await site.trace(), []);
});

test('hooks get their step, a folder to write to, and no environment of the server', async (t) => {
  const site = await TestSite.open(t);
  await site.publish({
    hooks: [
      {
        id: 'env',
        phase: 'before-switch',
        run: ['/bin/sh', '-c', 'env | sort; echo kept > "{data}/kept"'],
        timeoutMs,
      },
      {
        id: 'later',
        phase: 'after-switch',
        run: ['/bin/sh', '-c', 'cat kept; cat {release}/lib/version.txt {previousRelease}/lib/version.txt'],
        timeoutMs,
      },
    ],
  });
  site.order();
  await site.work();
  assert.equal(site.projection()?.state, 'INSTALL_SUCCESS');
  const printed = site.log.lines.filter((line) => line.includes('printed')).join('\n');
  assert.match(printed, new RegExp(`SALLYPORT_STEP_ID=PR1/${guids.new}/1/env`));
  assert.match(printed, /kept\n2\.0\.0\n1\.0\.0/);
  assert.doesNotMatch(printed, /NODE_|USER=/);
});
