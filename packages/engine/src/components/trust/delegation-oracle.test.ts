import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { propertyRuns, propertyTimeoutMs } from '@sallyport/core/shared/test-support/property';
import fc from 'fast-check';
import { anyDelegationAct, anyGraph, DelegationScene, lookedFor } from './test-support/delegation-scene.ts';
import { TwoClients } from './test-support/oracle.ts';

test(
  'finds, believes and refuses targets by delegations exactly as tuf-js does',
  { timeout: propertyTimeoutMs },
  async (context) => {
    mock.timers.enable({ apis: ['Date'] });
    context.after(() => mock.timers.reset());
    const counts = new Map<string, number>();
    await fc.assert(
      fc.asyncProperty(anyGraph, fc.array(anyDelegationAct, { maxLength: 12 }), async (graph, history) => {
        const scene = new DelegationScene(graph);
        await using clients = await TwoClients.open(scene.repo);
        for (const act of [...history, { kind: 'refresh' } as const]) {
          scene.do(act);
          if (act.kind !== 'refresh') continue;
          mock.timers.setTime(scene.nowMs);
          const ours = await clients.ours(scene.nowMs, scene.roles, lookedFor);
          assert.deepEqual(ours, await clients.oracle(scene.roles, lookedFor));
          for (const verdict of Object.values(ours.found)) {
            const kind = /^[0-9a-f]{16}$/.test(verdict) ? 'accepted' : verdict;
            counts.set(kind, (counts.get(kind) ?? 0) + 1);
          }
        }
      }),
      propertyRuns(60),
    );
    // The comparison means something only while every kind of verdict occurs often.
    const all = [...counts.values()].reduce((sum, count) => sum + count, 0);
    for (const kind of ['accepted', 'refused', 'unknown']) {
      assert.ok((counts.get(kind) ?? 0) > all / 20, `${kind}: ${counts.get(kind)} of ${all}`);
    }
  },
);
