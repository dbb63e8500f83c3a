import assert from 'node:assert/strict';
import process from 'node:process';
import { after, before, describe, it, type TestContext } from 'node:test';
import { chosenShare } from './checkpoints/share.ts';
import { type Outcome, outcomeOf } from './checkpoints/outcome.ts';
import { type Actor, actors, Stage } from './checkpoints/stage.ts';

/** How many checkpoints are died at alone, each from the beginning; `all` with SALLYPORT_KILLS=all. */
const aloneDefault = 3;
/** How often a checkpoint that the walk did not meet is waited for: who is first is not the same each time. */
const triesMax = 3;

/** Some of those that there must be: else nobody looks where it matters. */
const ofSites = [
  'commit update_event step-finished switch',
  'commit update_event install-succeeded done',
  'rename products/hello/current.json',
  'rename content/blobs/sha256/<digest> done',
  'start once: do once',
  'job hash given',
];
const mustHave: Readonly<Record<Actor, readonly string[]>> = {
  vendor: ['asked POST /exchange/v1', 'answered to POST /exchange/v1'],
  cas: [...ofSites, 'ask POST /exchange/v1', 'take update_event', 'commit setting trusted'],
  pr1: [...ofSites, 'ask POST /link/v1/push', 'asked POST /link/v1/push', 'take record order done'],
  se1: [...ofSites, 'ask GET /blobs/sha256/<digest>', 'take record order'],
};

describe('the main job, killed with kill -9', () => {
  let stage: Stage;
  let expected: Outcome;
  const recorded = new Map<Actor, readonly string[]>();

  before(async () => {
    stage = await Stage.build();
    await stage.play({});
    expected = await outcomeOf(stage);
    for (const actor of actors) recorded.set(actor, await stage.mortal(actor).passed());
  });
  after(() => stage.close());

  it('ends the same when the vendor’s server and every site die at each of their checkpoints, one after another', async (t) => {
    // A secondary runs what a primary runs: what the primary dies at, the secondary need not, unless all is asked for.
    const except = process.env['SALLYPORT_KILLS'] === 'all' ? [] : (recorded.get('pr1') ?? []);
    const walks = { kind: 'walks', except: [] } as const;
    await stage.play({
      vendor: walks,
      cas: walks,
      pr1: walks,
      se1: { kind: 'walks', except: [...new Set(except)] },
    });
    const table: string[] = [];
    const missed: { readonly actor: Actor; readonly name: string }[] = [];
    const lives = new Map<Actor, number>();
    for (const actor of actors) {
      const mortal = stage.mortal(actor);
      const died = new Set(await mortal.diedAt());
      const names = new Set(recorded.get(actor));
      for (const name of mustHave[actor]) assert.ok(names.has(name), `${actor} does not come to "${name}"`);
      for (const name of names)
        if (!died.has(name) && !(actor === 'se1' && except.includes(name))) missed.push({ actor, name });
      lives.set(actor, mortal.lives);
      const passed = recorded.get(actor)?.length ?? 0;
      table.push(`${actor}: ${passed} checkpoints of ${names.size} kinds, killed ${died.size} times`);
    }
    for (const line of table) t.diagnostic(line);
    assertSame(await outcomeOf(stage), lives);
    // An order of things that the walk did not bring about again.
    t.diagnostic(`${missed.length} killed at alone afterwards`);
    for (const { actor, name } of missed) await diesAlone(t, actor, `${name}#1`);
  });

  it('ends the same when one of them dies at one checkpoint: a share of all of them, another one each day', async (t) => {
    const all = actors.flatMap((actor) => [
      ...new Set(numbered(recorded.get(actor) ?? []).map((at) => `${actor} ${at}`)),
    ]);
    const { name, items: share } = chosenShare(all, process.env['SALLYPORT_KILLS'], aloneDefault);
    t.diagnostic(
      `SALLYPORT_KILLS=${name}: ${share.length} of ${all.length}, such as ${share.slice(0, 10).join('; ')}`,
    );
    for (const each of share) {
      const at = each.indexOf(' ');
      await diesAlone(t, each.slice(0, at) as Actor, each.slice(at + 1));
    }
  });

  /** Plays until that death has happened; the end must be the same each time. */
  async function diesAlone(t: TestContext, actor: Actor, at: string): Promise<void> {
    for (let tries = 1; tries <= triesMax; tries += 1) {
      await stage.play({ [actor]: { kind: 'dies', at } });
      const { length } = await stage.mortal(actor).diedAt();
      try {
        assertSame(await outcomeOf(stage), new Map([[actor, length + 1]]));
      } catch (cause) {
        throw new Error(`${actor} died at ${at}, and the end is another`, { cause });
      }
      if (length > 0) return;
    }
    t.diagnostic(`${actor} did not come to ${at} again in ${triesMax} plays`);
  }

  function assertSame(outcome: Outcome, lives: ReadonlyMap<Actor, number>): void {
    const { traces, ...rest } = outcome;
    const { traces: hooks, ...wanted } = expected;
    assert.deepEqual(rest, wanted);
    assert.deepEqual(Object.keys(traces).toSorted(), Object.keys(hooks).toSorted());
    for (const [name, times] of Object.entries(traces)) {
      // A hook with a probe does its work once; one without may be repeated by each death.
      const actor = name.slice(0, 3).toLowerCase() as Actor;
      const most = name.endsWith('.once') ? 1 : (lives.get(actor) ?? 1);
      assert.ok(times <= most, `${name} was done ${times} times`);
    }
  }
});

/** Each checkpoint with the number of its occurrence. */
function numbered(names: readonly string[]): readonly string[] {
  const seen = new Map<string, number>();
  return names.map((name) => {
    const occurrence = (seen.get(name) ?? 0) + 1;
    seen.set(name, occurrence);
    return `${name}#${occurrence}`;
  });
}
