import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { ofSites, Walk } from './checkpoints/walk.ts';

describe('the main job, its upper half killed with kill -9', () => {
  let walk: Walk;

  before(async () => {
    walk = await Walk.record();
  });
  after(() => walk.close());

  it('ends the same when the vendor’s server and the CAS die at each of their checkpoints, one after another', async (t) => {
    const mustHave = {
      vendor: ['asked POST /exchange/v1', 'answered to POST /exchange/v1'],
      cas: [...ofSites, 'ask POST /exchange/v1', 'take update_event', 'commit setting trusted'],
    } as const;
    for (const actor of ['vendor', 'cas'] as const)
      for (const name of mustHave[actor])
        assert.ok(walk.passedBy(actor).includes(name), `${actor} does not come to "${name}"`);
    await walk.dieEverywhere(t, ['vendor', 'cas']);
  });
});
