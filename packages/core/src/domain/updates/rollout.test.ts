import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hierarchyId } from '../../shared/ids.ts';
import type { RolloutEntry } from './package.ts';
import { isDrawn, lot, lotCount, lotLimit } from './rollout.ts';
import { guid, sha256 } from './test-support/packages.ts';

const hierarchies = Array.from({ length: 2000 }, (_, index) =>
  hierarchyId(index.toString(16).padStart(64, '0')),
);

function entry(percentage: number, seed = 'seed'): RolloutEntry {
  return { guid: guid(1), percentage, seed };
}

test('draws a lot from seed and hierarchy that stays the same for good', () => {
  const [first] = hierarchies as [ReturnType<typeof hierarchyId>];
  // Published roll-outs depend on this number.
  assert.equal(
    lot('seed', first, sha256),
    Number.parseInt(sha256(new TextEncoder().encode(`seed\n${first}`)).slice(0, 12), 16) % 10_000,
  );
  assert.notEqual(lot('seed', first, sha256), lot('other seed', first, sha256));
});

test('takes nobody at 0 percent and everybody at 100', () => {
  assert.ok(hierarchies.every((id) => !isDrawn(entry(0), id, sha256)));
  assert.ok(hierarchies.every((id) => isDrawn(entry(100), id, sha256)));
  assert.deepEqual([lotLimit(entry(0)), lotLimit(entry(25)), lotLimit(entry(100))], [0, 2500, lotCount]);
});

test('takes about the share asked for', () => {
  const share = hierarchies.filter((id) => isDrawn(entry(25), id, sha256)).length / hierarchies.length;
  assert.ok(share > 0.2 && share < 0.3, String(share));
});

test('never drops a hierarchy when the percentage is raised', () => {
  for (const id of hierarchies.slice(0, 200)) {
    let before = false;
    for (let percentage = 0; percentage <= 100; percentage += 5) {
      const now = isDrawn(entry(percentage), id, sha256);
      assert.ok(now || !before);
      before = now;
    }
  }
});
