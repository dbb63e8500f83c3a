import process from 'node:process';
import { after, before, describe, it } from 'node:test';
import { chosenShare } from './checkpoints/share.ts';
import { type Actor, actors } from './checkpoints/stage.ts';
import { numbered, ofSites, Walk } from './checkpoints/walk.ts';

/** How many checkpoints are died at alone, each from the beginning; `all` with SALLYPORT_KILLS=all. */
const aloneDefault = 2;

describe('the main job, its lower half killed with kill -9', () => {
  let walk: Walk;

  before(async () => {
    walk = await Walk.record();
  });
  after(() => walk.close());

  it('ends the same when the primary and the secondary die at each of their checkpoints, one after another', async (t) => {
    walk.assertPassed('pr1', [
      ...ofSites,
      'ask POST /link/v1/push',
      'asked POST /link/v1/push',
      'take record order done',
    ]);
    walk.assertPassed('se1', [...ofSites, 'ask GET /blobs/sha256/<digest>', 'take record order']);
    // A secondary runs what a primary runs: what the primary dies at, the secondary need not, unless all is asked for.
    const excused = process.env['SALLYPORT_KILLS'] === 'all' ? {} : { se1: walk.passedBy('pr1') };
    await walk.dieEverywhere(t, ['pr1', 'se1'], excused);
  });

  it('ends the same when one of them dies at one checkpoint: a share of all of them, another one each day', async (t) => {
    const all = actors.flatMap((actor) => [
      ...new Set(numbered(walk.passedBy(actor)).map((at) => `${actor} ${at}`)),
    ]);
    const { name, items: share } = chosenShare(all, process.env['SALLYPORT_KILLS'], aloneDefault);
    t.diagnostic(
      `SALLYPORT_KILLS=${name}: ${share.length} of ${all.length}, such as ${share.slice(0, 10).join('; ')}`,
    );
    for (const each of share) {
      const at = each.indexOf(' ');
      await walk.dieAlone(t, each.slice(0, at) as Actor, each.slice(at + 1));
    }
  });
});
