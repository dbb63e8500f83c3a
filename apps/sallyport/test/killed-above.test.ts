import { after, before, describe, it } from 'node:test';
import { ofSites, Walk } from './checkpoints/walk.ts';

describe('the main job, its upper half killed with kill -9', () => {
  let walk: Walk;

  before(async () => {
    walk = await Walk.record();
  });
  after(() => walk.close());

  it('ends the same when the vendor’s server and the CAS die at each of their checkpoints, one after another', async (t) => {
    walk.assertPassed('vendor', ['asked POST /exchange/v1', 'answered to POST /exchange/v1']);
    walk.assertPassed('cas', [
      ...ofSites,
      'ask POST /exchange/v1',
      'take update_event',
      'commit setting trusted',
    ]);
    await walk.dieEverywhere(t, ['vendor', 'cas']);
  });
});
