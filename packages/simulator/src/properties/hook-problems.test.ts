import assert from 'node:assert/strict';
import { test } from 'node:test';
import { packageGuid, productId, siteCode } from '@sallyport/core/shared/ids';
import { SeededRandom } from '../../../engine/test-support/seeded-random.ts';
import { SiteDisk } from '../disk/site-disk.ts';
import { OuterWorld } from '../site/programs.ts';
import type { SimSite } from '../site/sim-site.ts';
import type { SimHook } from '../vendor/sim-package.ts';
import { hookProblems } from './accepted.ts';

const code = siteCode('PRI');
const guid = packageGuid('00000000-0000-4000-8000-00000000000a');

/** What is found of a hook that did its work at these counts of upsets; 'undo' takes it back. */
function found(
  hook: Omit<SimHook, 'id' | 'phase'>,
  ...work: readonly (number | 'undo')[]
): readonly string[] {
  const world = new OuterWorld();
  for (const upsets of work) {
    if (upsets === 'undo') world.undo(code, guid, 'drain', 'step');
    else world.do(code, guid, 'drain', 'step', upsets);
  }
  const disk = new SiteDisk({ site: code, random: new SeededRandom(1) });
  const item = { guid, product: productId('compiler'), kind: 'version-update', version: '1.1.0' } as const;
  const hooks = [{ id: 'drain', phase: 'before-switch' as const, ...hook }];
  return hookProblems({ code, disk } as unknown as SimSite, [{ ...item, hooks }], world);
}

test('a hook without a probe may do its work again after its process has ended, and never within one', () => {
  assert.deepEqual(found({}, 1), []);
  assert.deepEqual(found({}, 1, 2, 3), []);
  assert.match(
    found({}, 1, 2, 2).join(),
    /did work again that stood .*though its process had not ended: step step/,
  );
});

test('a hook with a probe never does work again that stands', () => {
  assert.deepEqual(found({ probe: true }, 1), []);
  assert.match(found({ probe: true }, 1, 2).join(), /did work again that stood .*though its probe says so/);
});

test('work that was taken back may be done again', () => {
  assert.deepEqual(found({ probe: true, undo: true }, 1, 'undo', 1), []);
});
