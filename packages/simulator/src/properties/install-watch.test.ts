import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { UpdateProjection, UpdateState } from '@sallyport/core/domain/updates/event';
import { packageGuid, productId, siteCode } from '@sallyport/core/shared/ids';
import { SeededRandom } from '../../../engine/test-support/seeded-random.ts';
import { SiteDisk } from '../disk/site-disk.ts';
import type { SimSite } from '../site/sim-site.ts';
import { Tally } from '../world/tally.ts';
import { InstallWatch } from './install-watch.ts';
import { WithdrawalWatch } from './withdrawal-watch.ts';

const product = productId('compiler');
const code = siteCode('PRI');
const [old, fresh] = ['a', 'b'].map((end) => packageGuid(`00000000-0000-4000-8000-00000000000${end}`));
const encode = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

/** A site whose disk is real, and a watch of it. */
function watched() {
  assert.ok(old !== undefined && fresh !== undefined);
  const problems: string[] = [];
  const tally = new Tally();
  const disk = new SiteDisk({ site: code, random: new SeededRandom(1) });
  const site = { code, disk, clock: { now: () => 0 } } as unknown as SimSite;
  const withdrawals = new WithdrawalWatch(tally.count);
  const watch = new InstallWatch(
    { product, windowsOf: () => [], count: tally.count, fail: (problem) => problems.push(problem) },
    withdrawals,
  );
  const run = (guid: string): void =>
    disk.put(`memory:products/${product}/current.json`, encode({ guid, installed: [old] }));
  const see = (state: UpdateState, attempt = 1): boolean =>
    watch.observe(site, { guid: fresh, site: code, state, attempt } as unknown as UpdateProjection);
  const hear = async (packages: readonly unknown[]): Promise<void> => {
    const catalogue = await disk.open().blobs.putBytes(encode({ packages }));
    withdrawals.observe(site, product, { targets: { [`catalog/${product}.json`]: catalogue } });
  };
  return { problems, tally, disk, withdrawals, watch, run, see, hear, old, fresh };
}

test('an install that failed and left its release in force is found as it fails', () => {
  const { problems, tally, run, see, old: before, fresh: after } = watched();
  run(before);
  assert.equal(see('INSTALL_IN_PROGRESS'), true);
  run(after);
  assert.equal(see('INSTALL_IN_PROGRESS'), false);
  run(before);
  see('INSTALL_FAILED');
  assert.deepEqual(problems, []);
  see('INSTALL_IN_PROGRESS', 2);
  run(after);
  see('INSTALL_FAILED', 2);
  assert.match(problems.join(), /left .*b in force, which ran .*a before/);
  assert.equal(tally.struck['installs taken back'], 2);
});

test('an install of what the catalogue at the site says is withdrawn is found as it begins, and none that began before', async () => {
  const { problems, tally, run, see, hear, old: before, fresh: after } = watched();
  run(before);
  await hear([{ guid: before }, { guid: after }]);
  see('INSTALL_IN_PROGRESS');
  await hear([{ guid: before }, { guid: after, withdrawn: { at: 'then', reason: 'harm' } }]);
  see('INSTALL_IN_PROGRESS');
  assert.deepEqual(problems, []);
  see('INSTALL_IN_PROGRESS', 2);
  assert.match(problems.join(), /began to install .*b, which its own catalogue says is withdrawn/);
  assert.equal(tally.struck['withdrawals heard of'], 1);
});

test('a site that goes on from an older disk is judged by what that one says', async () => {
  const { problems, withdrawals, watch, run, see, hear, old: before, fresh: after } = watched();
  run(before);
  await hear([{ guid: after, withdrawn: {} }]);
  see('DOWNLOAD_SUCCESS');
  withdrawals.forget(code);
  see('INSTALL_IN_PROGRESS');
  run(after);
  watch.forget(code);
  see('INSTALL_FAILED');
  assert.deepEqual(problems, []);
});
