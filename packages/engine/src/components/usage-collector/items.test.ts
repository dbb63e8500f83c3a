import assert from 'node:assert/strict';
import { test } from 'node:test';
import { usageItems } from '@sallyport/core/domain/usage/registry';
import type { UsageChange } from './test-support/changes.ts';
import { hierarchyChanges } from './test-support/hierarchy-changes.ts';
import { siteChanges } from './test-support/site-changes.ts';
import { ToldSite } from './test-support/told-site.ts';
import { updateChanges } from './test-support/update-changes.ts';

/** Items that no change of a site can move, with why. */
const unmoved: Readonly<Record<string, string>> = {
  'clients.devices': 'sites manage no clients and no devices yet',
};

const changes: readonly UsageChange[] = [...siteChanges, ...hierarchyChanges, ...updateChanges];

for (const { when, at, inFile, prepare, change, tells } of changes) {
  test(`${when}: ${Object.keys(tells).join(', ')}`, async (t) => {
    const site = await ToldSite.start(t, at ?? 'CAS', inFile);
    await prepare?.(site);
    const before = await site.tells();
    await change(site);
    const after = await site.tells();
    for (const [id, expected] of Object.entries(tells)) {
      const [then, now] = [before[id], after[id]];
      assert.ok(then !== undefined && now !== undefined, `${id} is told by no site ${at ?? 'CAS'}`);
      if (typeof expected === 'function')
        assert.ok(expected(now, then), `${id}: ${JSON.stringify(then)} became ${JSON.stringify(now)}`);
      else assert.deepEqual(now, expected, id);
      assert.notDeepEqual(now, then, id);
    }
  });
}

test('every item of the registry is seen to change, or nothing can change it', () => {
  const moved = new Set(changes.flatMap(({ tells }) => Object.keys(tells)));
  const missing = usageItems.filter(({ id }) => !moved.has(id) && !(id in unmoved)).map(({ id }) => id);
  assert.deepEqual(missing, [], 'items without a case that changes a site and sees the value change');
  const known = new Set(usageItems.map(({ id }) => id));
  assert.deepEqual(
    [...moved, ...Object.keys(unmoved)].filter((id) => !known.has(id)),
    [],
  );
  assert.deepEqual(
    Object.keys(unmoved).filter((id) => moved.has(id)),
    [],
  );
});

test('clients and devices: none, whatever happens', async (t) => {
  const site = await ToldSite.start(t, 'CAS');
  assert.deepEqual((await site.tells())['clients.devices'], []);
});
