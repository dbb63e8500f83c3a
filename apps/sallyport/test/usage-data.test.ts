import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, it } from 'node:test';
import type { SiteUsage } from '@sallyport/core/domain/usage/report';
import { problemsOfItems } from '@sallyport/core/domain/usage/row-check';
import { clockMovedBy, until, World } from './harness.ts';
import { type Site, smallHierarchy } from './hierarchy.ts';

const weekMs = 7 * 86_400_000;

/** What a site holds of another one's usage data, or of its own. */
function held(site: Site, of: string): SiteUsage | undefined {
  const database = new DatabaseSync(join(site.data, 'database', 'site.db'), {
    readOnly: true,
    timeout: 10_000,
  });
  try {
    const row = database.prepare("SELECT body FROM record WHERE kind = 'site-usage' AND owner = ?").get(of);
    return row === undefined ? undefined : (JSON.parse(String(row['body'])) as SiteUsage);
  } finally {
    database.close();
  }
}

describe('usage data of site servers', () => {
  let world: World;
  let cas: Site;
  let pr1: Site;

  before(async () => {
    world = await World.open();
    ({ cas, pr1 } = await smallHierarchy(world));
  });
  after(() => world.close());

  it('are not collected when a site has just been set up', async () => {
    await cas.ask('site', 'show');
    assert.equal(held(cas, 'CAS'), undefined);
    assert.equal(held(pr1, 'PR1'), undefined);
  });

  it('are collected at every site a week later, of the real machine, and come to the top-tier site', async () => {
    await pr1.stop();
    await cas.stop();
    await cas.start(clockMovedBy(weekMs));
    await pr1.start(clockMovedBy(weekMs));
    await cas.ask('update', 'list');
    const [own, child] = await until('both collections at CAS', async () => {
      const both = [held(cas, 'CAS'), held(cas, 'PR1')];
      // Each question is a process of its own.
      await cas.ask('update', 'list');
      return both[0] !== undefined && both[1] !== undefined ? ([both[0], both[1]] as const) : undefined;
    });
    for (const usage of [own, child]) {
      assert.equal(usage.level, 'enhanced');
      assert.deepEqual(problemsOfItems(usage.items, 'enhanced'), []);
      assert.deepEqual(usage.items['system.runtime']?.[0]?.['node'], process.versions.node);
      assert.ok(Number(usage.items['database.size']?.[0]?.['file']) > 10_000);
      assert.ok(Number(usage.items['performance.memory']?.[0]?.['resident']) > 10_000_000);
      assert.ok(Number(usage.items['content.library']?.[0]?.['blobs']) > 0);
      assert.deepEqual(
        usage.items['setup.products']?.map(({ product, version }) => [product, version]),
        [['hello', '1.0']],
      );
      assert.ok(usage.items['system.roles']?.some(({ role }) => role === 'SMS_USAGE_COLLECTOR'));
    }
    assert.deepEqual(own.items['topology.sites'], [
      { type: 'central', sites: 1, revoked: 0 },
      { type: 'primary', sites: 1, revoked: 0 },
    ]);
    assert.equal(child.items['topology.sites'], undefined);
    assert.match(
      await readFile(join(pr1.data, 'logs', 'usagecollector.log'), 'utf8'),
      /Collected \d+ data items at level enhanced in \d+ ms: a week is over/,
    );
  });
});
