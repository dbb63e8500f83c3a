import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forEachBounded } from './bounded.ts';

test('works on every item in order, never on more than allowed at a time', async () => {
  let running = 0;
  let most = 0;
  const begun: number[] = [];
  await forEachBounded([1, 2, 3, 4, 5, 6, 7], 3, async (item) => {
    begun.push(item);
    running += 1;
    most = Math.max(most, running);
    await Promise.resolve();
    running -= 1;
  });
  assert.deepEqual(begun, [1, 2, 3, 4, 5, 6, 7]);
  assert.equal(most, 3);
  await forEachBounded([], 3, () => assert.fail('there is nothing to do'));
});

test('after a failure nothing new is begun, and the first failure comes out when the rest has ended', async () => {
  const begun: number[] = [];
  const slow = Promise.withResolvers<void>();
  let ended = false;
  const work = forEachBounded([1, 2, 3, 4], 2, async (item) => {
    begun.push(item);
    if (item === 1) {
      await slow.promise;
      ended = true;
      throw new Error('second failure');
    }
    slow.resolve();
    throw new Error('first failure');
  });
  await assert.rejects(work, /first failure/);
  assert.deepEqual([begun, ended], [[1, 2], true]);
});
