import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type {
  ActionResult,
  CheckResult,
  HistoryResult,
  ListResult,
  ShowResult,
  SitesResult,
  StatusResult,
  UsageResult,
  WarningsResult,
  WhyResult,
  WindowsResult,
} from '@sallyport/core/wire/api';
import { Cloud, hello } from './cloud.ts';
import { until, World } from './harness.ts';
import { below, joined, type Site, topTier, windowLater } from './hierarchy.ts';

type Followed = ActionResult & { readonly ended: string; readonly status: StatusResult };

describe('the main job on a small product', () => {
  let world: World;
  let cloud: Cloud;
  let cas: Site;
  let pr1: Site;
  let se1: Site;

  before(async () => {
    world = await World.open();
    cloud = await Cloud.init(world, 'cloud');
    await cloud.publish(hello.baseline);
    const url = await cloud.serve();
    cas = await topTier(cloud, url, 'CAS', 'central');
    pr1 = await joined(cloud, cas, 'PR1', 'primary', below(cas));
    se1 = await joined(cloud, cas, 'SE1', 'secondary', below(pr1));
    await cloud.publish(hello.update, hello.hotfix);
  });
  after(() => world.close());

  it('begins with the release of the medium at every site, shown with type and parent', async () => {
    for (const site of [cas, pr1, se1]) assert.equal(await site.program(), 'hello 1.0');
    const sites = await until('every site has spoken', async () => {
      const { sites: known } = await cas.ask<SitesResult>('site', 'show');
      return known.every(({ products }) => products !== undefined) ? known : undefined;
    });
    assert.deepEqual(
      sites.map(({ code, type, parent, products }) => [code, type, parent, products?.[0]?.version]),
      [
        ['CAS', 'central', undefined, '1.0'],
        ['PR1', 'primary', 'CAS', '1.0'],
        ['SE1', 'secondary', 'PR1', '1.0'],
      ],
    );
    assert.match((await cas.run('site', 'show')).out, /^CAS +central +– +hello 1\.0 /m);
  });

  it('shows the very facts that leave, and which the vendor then has', async () => {
    const usage = await cas.ask<UsageResult>('usage', 'facts');
    assert.ok(usage.kind === 'report');
    const facts = JSON.parse(usage.payload) as {
      siteCounts: unknown;
      products: { versions: { version: string; sites: number }[] }[];
    };
    assert.deepEqual(facts.siteCounts, { central: 1, primary: 1, secondary: 1 });
    assert.deepEqual(
      facts.products[0]?.versions.map(({ version, sites }) => [version, sites]),
      [
        ['1.0', 1],
        ['1.0', 1],
        ['1.0', 1],
      ],
    );
    assert.match((await cas.run('usage', 'facts')).out, /hello/);
    await cas.ask('update', 'check');
    const { hierarchies } = await world.json<{ hierarchies: { sites?: number }[] }>([
      'cloud',
      'show',
      '--data',
      cloud.data,
    ]);
    assert.deepEqual(
      hierarchies.map(({ sites }) => sites),
      [3],
    );
  });

  it('finds the update, downloads it by itself, and says why the hotfix is not offered', async () => {
    const { exchange, available } = await cas.ask<CheckResult>('update', 'check');
    assert.deepEqual(
      [exchange.metadata.result, exchange.facts.result, exchange.offer.result],
      ['ok', 'ok', 'ok'],
    );
    assert.deepEqual(
      available.map(({ version }) => version),
      ['1.1'],
    );
    const { reasons, verdict } = await cas.ask<WhyResult>('update', 'why', '1.1.1');
    assert.equal(verdict, 'not-available');
    assert.match(
      reasons.map(({ sentence }) => sentence).join(' '),
      /requires Hello 1\.1 .*which is not installed/,
    );
    assert.ok(reasons.every(({ change }) => change !== ''));
    await cas.reaches('1.1', 'DOWNLOAD_SUCCESS');
    const listed = await cas.ask<ListResult>('update', 'list');
    assert.deepEqual(
      listed.packages.map(({ version, state }) => [version, state]),
      [['1.1', 'DOWNLOAD_SUCCESS']],
    );
    const all = await cas.ask<ListResult>('update', 'list', '--all');
    assert.equal(all.packages.length, 3);
    assert.match((await cas.run('update', 'list')).out, /hello +1\.1 +version-update +DOWNLOAD_SUCCESS/);
    assert.equal((await cas.ask<Followed>('update', 'download', '1.1', '--wait')).ended, 'succeeded');
    const shown = await cas.ask<ShowResult>('update', 'show', 'hello@1.1');
    assert.deepEqual(
      [shown.licence?.name, shown.prerequisites?.length, shown.features?.[0]?.id],
      ['Example licence', 2, 'languages'],
    );
  });

  it('checks prerequisites at every primary and changes nothing there', async () => {
    const { ended, status } = await cas.ask<Followed>('update', 'check-prerequisites', '1.1', '--wait');
    assert.equal(ended, 'succeeded');
    const checked = status.packages[0]?.sites
      .filter(({ state }) => state === 'PREREQ_SUCCESS')
      .map(({ site }) => site);
    assert.deepEqual(checked, ['CAS', 'PR1']);
    assert.deepEqual((await cas.ask<WarningsResult>('update', 'warnings', '1.1')).warnings, []);
    assert.match((await cas.run('update', 'warnings', '1.1')).out, /No warnings/);
    for (const site of [cas, pr1, se1]) assert.equal(await site.program(), 'hello 1.0');
  });

  it('waits for the service window of the top-tier site, can be cancelled meanwhile, and reset', async () => {
    await cas.ask<WindowsResult>('site', 'windows', 'add', ...windowLater().options);
    const order = ['update', 'install', '1.1', '--accept-licence'] as const;
    const unfinished = await cas.run(...order, '--wait', '--timeout-minutes', '0.02', '--json');
    assert.equal(unfinished.code, 4, unfinished.err);
    assert.equal((JSON.parse(unfinished.out) as Followed).ended, 'unfinished');
    const waiting = await cas.reaches('1.1', 'INSTALL_WAITING_SERVICE_WINDOW');
    assert.match(waiting.reason, /window/);
    await cas.refused(order, /under way already \(INSTALL_WAITING_SERVICE_WINDOW\)/);
    const cancelled = await cas.ask<ActionResult>('update', 'cancel', '1.1');
    assert.deepEqual([cancelled.kind, cancelled.sites], ['ordered', ['CAS', 'PR1']]);
    for (const site of [cas, pr1]) await cas.reaches('1.1', 'DOWNLOAD_SUCCESS', site.code);
    await cas.refused(['update', 'cancel', '1.1'], /nothing of Hello 1\.1 can be cancelled/);
    assert.equal((await cas.ask<ActionResult>('update', 'reset', '1.1')).kind, 'done');
    assert.deepEqual((await cas.ask<WindowsResult>('site', 'windows', 'clear')).windows, []);
  });

  it('installs at the top-tier site and then at the primary, and at the secondary when told', async () => {
    const installed = await cas.ask<Followed>(
      'update',
      'install',
      '1.1',
      '--accept-licence',
      '--feature',
      'languages',
      '--wait',
    );
    assert.equal(installed.ended, 'succeeded');
    assert.deepEqual(
      [await cas.program(), await pr1.program(), await se1.program()],
      ['hello 1.1', 'hello 1.1', 'hello 1.0'],
    );
    const upgraded = await cas.ask<Followed>('update', 'upgrade-secondary', 'SE1', '--wait');
    assert.deepEqual([upgraded.ended, upgraded.sites], ['succeeded', ['SE1']]);
    assert.equal(await se1.program(), 'hello 1.1');
    const again = await cas.ask<ActionResult>('update', 'upgrade-secondary', 'SE1', '--wait');
    assert.equal(again.kind, 'nothing-to-do');
    const status = await cas.ask<StatusResult>('update', 'status', '1.1');
    assert.deepEqual(
      status.packages.map(({ state, sites }) => [
        state,
        ...sites.map((site) => `${site.site} ${site.state}`),
      ]),
      [['INSTALL_SUCCESS', 'CAS INSTALL_SUCCESS', 'PR1 INSTALL_SUCCESS', 'SE1 INSTALL_SUCCESS']],
    );
    assert.match((await cas.run('update', 'status')).out, /SE1 +secondary +INSTALL_SUCCESS/);
  });

  it('tells what happened in order: no site installs before its parent', async () => {
    const { events } = await cas.ask<HistoryResult>('update', 'history', '1.1');
    const at = (site: string, event: string): number =>
      events.findIndex((each) => each.site === site && each.event === event);
    const order = [
      at('CAS', 'install-succeeded'),
      at('PR1', 'install-started'),
      at('PR1', 'install-succeeded'),
      at('SE1', 'install-started'),
    ];
    assert.ok(
      order.every((position) => position >= 0),
      order.join(),
    );
    assert.deepEqual(
      order.toSorted((a, b) => a - b),
      order,
    );
    assert.ok(events.every(({ reason }) => reason !== ''));
    assert.match((await cas.run('update', 'history')).out, /PR1 +1\.1 +\d+ +install-succeeded/);
  });

  it('offers the hotfix now that its requirement is met, by hand and from start to end', async () => {
    await cas.ask('update', 'check');
    assert.equal(
      (await cas.listed('1.1.1'))?.state,
      'APPLICABILITY_SUCCESS',
      'hotfixes do not download by themselves',
    );
    await cas.refused(['update', 'install', '1.1.1', '--accept-licence'], /not here yet .*"download" first/);
    await cas.downloads('1.1.1');
    await cas.ask('update', 'install', '1.1.1', '--accept-licence', '--wait');
    await cas.ask('update', 'upgrade-secondary', 'SE1', '--wait');
    for (const site of [cas, pr1, se1]) assert.equal(await site.program(), 'hello 1.1.1');
  });

  it('refuses what has no sense any more, and what cannot be meant, by exit code', async () => {
    await cas.refused(['update', 'install', '1.1.1', '--accept-licence'], /is installed already/);
    await cas.refused(['update', 'retry', '1.1.1'], /nothing to retry/);
    await cas.refused(['update', 'reset', '1.1.1'], /nothing can be reset any more/);
    await pr1.refused(['update', 'install', '1.1.1'], /only the top-tier site .* ask there/);
    await cas.refused(['update', 'instal', '1.1.1'], /unknown command/, 2);
    await world.refused(['update', 'list', '--data', world.path('nowhere')], /holds no site/, 3);
    await se1.stop();
    await se1.refused(['update', 'list'], /site run|does not run|no site server/, 3);
  });
});
