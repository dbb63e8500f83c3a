import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import type {
  ActionResult,
  HistoryResult,
  StatusResult,
  WarningsResult,
  WindowsResult,
} from '@sallyport/core/wire/api';
import type { Cloud } from './cloud.ts';
import { World } from './harness.ts';
import { type Site, smallHierarchy, windowLater } from './hierarchy.ts';
import { definePackage } from './packages.ts';

type Followed = ActionResult & { readonly ended: string; readonly status: StatusResult };

describe('an install in a hierarchy', () => {
  let world: World;
  let cloud: Cloud;
  let cas: Site;
  let pr1: Site;

  before(async () => {
    world = await World.open();
    ({ cloud, cas, pr1 } = await smallHierarchy(world));
  });
  after(() => world.close());

  it('waits at a primary for its service window, says until when, and goes on when the windows are cleared', async () => {
    const { options, opensAt } = windowLater();
    const windows = await pr1.ask<WindowsResult>('site', 'windows', 'add', ...options);
    assert.deepEqual([windows.open, windows.changesAt], [false, opensAt]);
    await cloud.publish(await definePackage(world, '1.1'));
    await cas.downloads('1.1');
    await cas.ask('update', 'install', '1.1');
    const waiting = await cas.reaches('1.1', 'INSTALL_WAITING_SERVICE_WINDOW', 'PR1');
    assert.equal(waiting.nextAt, opensAt);
    assert.match(waiting.reason, /service window/);
    assert.deepEqual([await cas.program(), await pr1.program()], ['hello 1.1', 'hello 1.0']);
    const shown = (await cas.run('update', 'status', '1.1')).out;
    assert.match(shown, /PR1 .*INSTALL_WAITING_SERVICE_WINDOW/);
    await cas.refused(['update', 'reset', '1.1'], /installed, or being installed, at CAS/);
    assert.deepEqual((await pr1.ask<WindowsResult>('site', 'windows', 'clear')).windows, []);
    await cas.reaches('1.1', 'INSTALL_SUCCESS', 'PR1');
    assert.equal(await pr1.program(), 'hello 1.1');
  });

  it('goes back to the old version where the health check fails, says why, and goes well there when it is tried again', async () => {
    // Healthy wherever no file of that name lies beside the site's data folder.
    const sick = `${pr1.data}.sick`;
    await writeFile(sick, 'no connection to the till\n');
    const healthCheck = {
      run: ['{node}', '{release}/bin/healthy.mjs', '{data}'],
      outputIs: 'healthy',
      timeoutMs: 20_000,
    };
    const hook = {
      id: 'note',
      phase: 'after-switch',
      run: ['{node}', '{release}/hooks/note.mjs', 'do', '{data}'],
      undo: { run: ['{node}', '{release}/hooks/note.mjs', 'undo', '{data}'] },
    };
    const files = { 'bin/healthy.mjs': healthy, 'hooks/note.mjs': note };
    await cloud.publish(await definePackage(world, '1.2', { files, fields: { healthCheck, hooks: [hook] } }));
    await cas.downloads('1.2');
    const failed = await cas.run('update', 'install', '1.2', '--wait', '--json');
    assert.equal(failed.code, 1, failed.err);
    assert.equal((JSON.parse(failed.out) as Followed).ended, 'failed');
    const at = await cas.reaches('1.2', 'INSTALL_FAILED', 'PR1');
    assert.match(at.reason, /health check failed: it ended with exit code 3/i);
    assert.deepEqual([await cas.program(), await pr1.program()], ['hello 1.2', 'hello 1.1']);
    const { events } = await cas.ask<HistoryResult>('update', 'history', '1.2');
    const failure = events.find(({ event, site }) => event === 'install-failed' && site === 'PR1');
    assert.deepEqual([failure?.data['step'], failure?.data['rolledBack']], ['health-check', true]);
    assert.match(String(failure?.data['output']), /no connection to the till/);
    const { packages } = await cas.ask<StatusResult>('update', 'status', '1.2');
    assert.deepEqual(
      [packages[0]?.state, packages[0]?.decidedBy],
      ['INSTALL_FAILED', 'PR1'],
      'the worst site decides',
    );
    await cas.refused(['update', 'retry', '1.2', '--site', 'CAS'], /nothing to retry/);

    await rm(sick);
    const again = await cas.ask<Followed>('update', 'retry', '1.2', '--site', 'PR1', '--wait');
    assert.deepEqual([again.ended, again.sites], ['succeeded', ['PR1']]);
    assert.deepEqual([await cas.program(), await pr1.program()], ['hello 1.2', 'hello 1.2']);
    assert.equal((await pr1.state('1.2'))?.attempt, 2);
  });

  it('stops at a warning until somebody consents to it by name, and remembers who did', async () => {
    const rule = { fact: 'platform.os', is: 'plan9', says: 'It was tried on Plan 9 only.' };
    const prerequisite = {
      id: 'plan9',
      title: 'A tested system',
      severity: 'warning',
      remedy: 'Install Plan 9.',
      siteTypes: ['primary'],
      check: { kind: 'rule', rule },
    };
    await cloud.publish(await definePackage(world, '1.3', { fields: { prerequisites: [prerequisite] } }));
    await cas.downloads('1.3');
    const checked = await cas.ask<Followed>('update', 'check-prerequisites', '1.3', '--wait');
    assert.equal(checked.ended, 'succeeded');
    const { warnings } = await cas.ask<WarningsResult>('update', 'warnings', '1.3');
    assert.deepEqual(
      warnings.map(({ site, prerequisite: id, remedy }) => [site, id, remedy]),
      [['PR1', 'plan9', 'Install Plan 9.']],
    );
    await cas.refused(['update', 'install', '1.3'], /PR1.*plan9|plan9.*PR1/s);
    await cas.refused(['update', 'install', '1.3', '--ignore-warning', 'PR1:other'], /other/);
    assert.equal((await pr1.state('1.3'))?.state, 'PREREQ_WARNING');
    await cas.ask('update', 'install', '1.3', '--ignore-warning', 'PR1:plan9', '--wait');
    assert.equal(await pr1.program(), 'hello 1.3');
    const { events } = await cas.ask<HistoryResult>('update', 'history', '1.3');
    const ordered = events.findLast(({ event, site }) => event === 'ordered' && site === 'PR1');
    assert.match(JSON.stringify(ordered?.data['consent']), /"by":"[^"]+".*plan9/);
  });

  it('does not begin where a prerequisite fails, and goes on when it is remedied', async () => {
    const flag = `${cas.data}.licence-server`;
    const check = {
      kind: 'command',
      command: {
        run: ['{node}', '-e', `process.exit(require('fs').existsSync(${JSON.stringify(flag)}) ? 0 : 1)`],
        timeoutMs: 20_000,
      },
    };
    const prerequisite = {
      id: 'licence-server',
      title: 'Licence server',
      severity: 'error',
      remedy: 'Start the licence server.',
      siteTypes: ['central'],
      check,
    };
    await cloud.publish(await definePackage(world, '1.4', { fields: { prerequisites: [prerequisite] } }));
    await cas.downloads('1.4');
    const failed = await cas.run('update', 'install', '1.4', '--wait', '--json');
    assert.equal(failed.code, 1, failed.err);
    const stopped = await cas.reaches('1.4', 'PREREQ_ERROR');
    assert.match(JSON.stringify(stopped.prerequisites), /Start the licence server/);
    for (const site of [cas, pr1])
      assert.equal(await site.program(), 'hello 1.3', 'no site installs before its parent');
    await cas.ask('update', 'cancel', '1.4');
    await cas.reaches('1.4', 'DOWNLOAD_SUCCESS', 'PR1');
    assert.equal((await cas.ask<ActionResult>('update', 'reset', '1.4')).kind, 'done');
    await writeFile(flag, '');
    await cas.downloads('1.4');
    await cas.ask('update', 'install', '1.4', '--wait');
    for (const site of [cas, pr1]) assert.equal(await site.program(), 'hello 1.4');
  });
});

const healthy = `
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import process from 'node:process';
const sick = resolve(process.argv[2], '..', '..') + '.sick';
if (existsSync(sick)) {
  console.error(readFileSync(sick, 'utf8'));
  process.exit(3);
}
console.log('healthy');
`;

const note = `
import { rmSync, writeFileSync } from 'node:fs';
import process from 'node:process';
const [verb, folder] = process.argv.slice(2);
if (verb === 'do') writeFileSync(folder + '/note', 'here');
else rmSync(folder + '/note');
`;
