import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { CheckResult, ListResult, SitesResult, UsageResult, WhyResult } from '@sallyport/core/wire/api';
import { Cloud, hello } from './cloud.ts';
import { World } from './harness.ts';
import { topTier } from './hierarchy.ts';
import { StaticServer } from './static-server.ts';

describe('a stand-alone primary site', () => {
  let world: World;
  /** Offers in answer to facts only. */
  let cloud: Cloud;
  /** Lets sites have updates that report nothing. */
  let open: Cloud;

  before(async () => {
    world = await World.open();
    [cloud, open] = await Promise.all([
      Cloud.init(world, 'cloud'),
      Cloud.init(world, 'open-cloud', ['--no-usage-data']),
    ]);
    await Promise.all([cloud.publish(hello.baseline), open.publish(hello.baseline)]);
  });
  after(() => world.close());

  it('is a hierarchy of its own, and takes an update all the way', async () => {
    const url = await cloud.serve();
    const site = await topTier(cloud, url, 'ONE', 'primary');
    await cloud.publish(hello.update);
    await site.downloads('1.1');
    await site.ask('update', 'install', '1.1', '--accept-licence', '--wait');
    assert.equal(await site.program(), 'hello 1.1');
    const { sites } = await site.ask<SitesResult>('site', 'show');
    assert.deepEqual(
      sites.map(({ code, type, parent }) => [code, type, parent]),
      [['ONE', 'primary', undefined]],
    );
    await site.refused(['update', 'upgrade-secondary', 'TWO'], /no site TWO/);
    await site.refused(
      ['site', 'token', '--code', 'TWO', '--type', 'primary'],
      /stand-alone primary site and can have secondary sites only/,
    );
    await site.stop();
    await cloud.server?.stop();
  });

  it('gets and installs updates from a plain web server when it is set up for local applicability', async () => {
    const web = await StaticServer.open(open.repository);
    world.ends(() => web.close());
    const site = await topTier(open, web.url, 'LOC', 'primary', { local: true });
    await open.publish(hello.update);
    const { exchange, available } = await site.ask<CheckResult>('update', 'check');
    assert.deepEqual(
      [exchange.mode, exchange.metadata.result, available.map(({ version }) => version)],
      ['none', 'ok', ['1.1']],
    );
    const usage = await site.ask<UsageResult>('usage', 'facts');
    assert.equal(usage.kind, 'nothing-leaves');
    await site.reaches('1.1', 'DOWNLOAD_SUCCESS');
    await site.ask('update', 'install', '1.1', '--accept-licence', '--wait');
    assert.equal(await site.program(), 'hello 1.1');
    await site.stop();
  });

  it('has nothing new from a vendor that wants facts when it reports none, and says why', async () => {
    await cloud.publish(hello.update);
    const web = await StaticServer.open(cloud.repository);
    world.ends(() => web.close());
    const site = await topTier(cloud, web.url, 'SEC', 'primary', { local: true });
    assert.deepEqual((await site.ask<CheckResult>('update', 'check')).available, []);
    const { verdict, reasons } = await site.ask<WhyResult>('update', 'why', '1.1');
    assert.deepEqual([verdict, reasons.map(({ code }) => code)], ['not-available', ['USAGE_DATA_REQUIRED']]);
    await site.refused(['update', 'download', '1.1'], /not available: .*only in answer to reported facts/);
    await site.stop();
  });

  it('has nothing new when its vendor’s service is only a web server any more, and says why', async () => {
    const url = await cloud.serve();
    const site = await topTier(cloud, url, 'TWO', 'primary', { running: false });
    await cloud.server?.stop();
    const web = await StaticServer.open(cloud.repository, Number(url.port));
    world.ends(() => web.close());
    await site.start();
    const checked = await site.run('update', 'check', '--json');
    assert.equal(checked.code, 1, 'a check that got no offer did not go well');
    const { exchange, available } = JSON.parse(checked.out) as CheckResult;
    assert.deepEqual([exchange.metadata.result, exchange.facts.result, available], ['ok', 'failed', []]);
    const { verdict, reasons } = await site.ask<WhyResult>('update', 'why', '1.1');
    assert.deepEqual([verdict, reasons.map(({ code }) => code)], ['not-available', ['OFFER_MISSING']]);
    assert.match((await site.run('update', 'why', '1.1')).out, /no offer yet, so nothing new is available/);
    assert.deepEqual((await site.ask<ListResult>('update', 'list')).packages, []);
  });
});
