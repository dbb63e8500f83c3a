import assert from 'node:assert/strict';
import { copyFile, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { guids, product, TestSite } from './test-support/test-site.ts';

const timeoutMs = 20_000;

/** Puts the database back as it was backed up in the middle of an install. */
async function putBack(site: TestSite, version: string): Promise<void> {
  await site.close();
  const database = join(site.folder, 'database');
  for (const name of await readdir(database)) await rm(join(database, name));
  await copyFile(join(site.folder, 'backup', `before-${product}-${version}.db`), join(database, 'site.db'));
  site.database = site.openDatabase();
  site.installer = site.newInstaller();
}

test('a database that was backed up in the middle of an install takes nothing of newer releases back', async (t) => {
  const site = await TestSite.open(t);
  const hooks = [{ id: 'prepare', phase: 'after-switch' as const, run: site.tracing('prepare'), timeoutMs }];
  await site.publish({ hooks });
  site.order();
  await site.work();
  await site.publish({ guid: guids.fix, version: '3.0.0' });
  site.order({ guid: guids.fix, order: 2 });
  await site.work();
  const before = await site.releases.current(product);
  const releases = await site.releases.list(product);
  assert.deepEqual([before?.version, releases.length], ['3.0.0', 2]);

  await putBack(site, '2.0.0');
  assert.equal(site.projection()?.state, 'INSTALL_IN_PROGRESS');
  await site.work();

  assert.deepEqual(await site.releases.current(product), before);
  assert.deepEqual(await site.releases.list(product), releases);
  assert.deepEqual(await site.trace(), ['prepare']);
  assert.equal(site.projection()?.state, 'INSTALL_SUCCESS');
  assert.match(site.projection()?.reason ?? '', /installed here before 3\.0\.0, which this site runs/);
  assert.equal(site.journal(), undefined);
});

test('an install that a newer release has overtaken without it ends as failed, and says so', async (t) => {
  const site = await TestSite.open(t);
  await site.publish();
  site.order();
  await site.work();
  const skipped = await site.publish({ guid: guids.fix, version: '3.0.0' });
  await putBack(site, '2.0.0');
  // As a site does that went from 1.0.0 to 3.0.0.
  const current = await site.releases.current(product);
  assert.ok(current !== undefined);
  const signal = new AbortController().signal;
  await site.releases.stage(product, '3.0.0', skipped.tree, () => undefined, signal);
  const { sha256: treeSha256 } = skipped.descriptor.content.tree;
  const newer = { ...current, guid: guids.fix, version: '3.0.0', folder: '3.0.0', treeSha256 };
  await site.releases.switchTo({ ...newer, installed: [guids.old, guids.fix] });

  await site.work();
  assert.equal(await site.runs(), '3.0.0');
  assert.equal(site.projection()?.state, 'INSTALL_FAILED');
  assert.match(site.projection()?.reason ?? '', /runs 3\.0\.0 by now, and not 1\.0\.0/);
});

test('an order for something older than what is installed does not pass its prerequisites', async (t) => {
  const site = await TestSite.open(t);
  await site.publish({ guid: guids.fix, version: '3.0.0' });
  site.order({ guid: guids.fix });
  await site.work();
  await site.publish();
  site.order({ order: 2 });
  await site.work();
  assert.equal(await site.runs(), '3.0.0');
  assert.equal(site.projection()?.state, 'PREREQ_ERROR');
});
