import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { type Outcome, outcomeOf } from './outcome.ts';
import { type Actor, actors, Stage } from './stage.ts';

/** How often a checkpoint that a walk did not meet is waited for: who is first is not the same each time. */
const triesMax = 3;
/** Of all kinds of checkpoints so many may never come about again: what only a rare order of things brings. */
const unmetShareMax = 0.03;

/** The main job played once without a death: what everybody passed, and how it ended. Plays with deaths must end so. */
export class Walk {
  readonly #stage: Stage;
  readonly #expected: Outcome;
  readonly #recorded: ReadonlyMap<Actor, readonly string[]>;

  private constructor(stage: Stage, expected: Outcome, recorded: ReadonlyMap<Actor, readonly string[]>) {
    this.#stage = stage;
    this.#expected = expected;
    this.#recorded = recorded;
  }

  static async record(): Promise<Walk> {
    const stage = await Stage.build();
    try {
      await stage.play({});
      const recorded = new Map<Actor, readonly string[]>();
      for (const actor of actors) recorded.set(actor, await stage.mortal(actor).passed());
      return new Walk(stage, await outcomeOf(stage), recorded);
    } catch (error) {
      await stage.close();
      throw error;
    }
  }

  /** Sees that there are checkpoints where it matters: else nobody would look there. */
  assertPassed(actor: Actor, names: readonly string[]): void {
    for (const name of names)
      assert.ok(this.passedBy(actor).includes(name), `${actor} does not come to "${name}"`);
  }

  /** The checkpoints that an actor passed, in their order. */
  passedBy(actor: Actor): readonly string[] {
    return this.#recorded.get(actor) ?? [];
  }

  /**
   * Plays once, and has each of these die at every kind of checkpoint that it comes to, one death after another; then
   * alone at each recorded one that did not come about again.
   *
   * @param excused kinds that need not be died at, by actor
   */
  async dieEverywhere(
    t: TestContext,
    walkers: readonly Actor[],
    excused: Partial<Readonly<Record<Actor, readonly string[]>>> = {},
  ): Promise<void> {
    const stage = this.#stage;
    const fates = walkers.map((actor) => {
      const except = [...new Set(excused[actor])];
      return [actor, { kind: 'walks', except }] as const;
    });
    await stage.play(Object.fromEntries(fates));
    const lives = new Map<Actor, number>();
    const missed: { readonly actor: Actor; readonly name: string }[] = [];
    for (const actor of walkers) {
      const mortal = stage.mortal(actor);
      const died = new Set(await mortal.diedAt());
      const names = new Set(this.passedBy(actor));
      for (const name of names)
        if (!died.has(name) && excused[actor]?.includes(name) !== true) missed.push({ actor, name });
      lives.set(actor, mortal.lives);
      const passed = this.passedBy(actor).length;
      t.diagnostic(
        `${actor}: ${passed} checkpoints of ${names.size} kinds, killed at ${died.size} kinds one after another`,
      );
    }
    this.#assertSame(await outcomeOf(stage), lives);
    t.diagnostic(`${missed.length} killed at alone afterwards`);
    const unmet: string[] = [];
    for (const { actor, name } of missed)
      if (!(await this.dieAlone(t, actor, `${name}#1`))) unmet.push(`${actor} ${name}`);
    const kinds = walkers.flatMap((actor) => [...new Set(this.passedBy(actor))]).length;
    assert.ok(unmet.length <= kinds * unmetShareMax, `nobody died at ${unmet.join('; ')}`);
  }

  /** Plays until that one death has happened, and answers whether it has; the end must be the same each time. */
  async dieAlone(t: TestContext, actor: Actor, at: string): Promise<boolean> {
    const stage = this.#stage;
    for (let tries = 1; tries <= triesMax; tries += 1) {
      await stage.play({ [actor]: { kind: 'dies', at } });
      const { length } = await stage.mortal(actor).diedAt();
      try {
        this.#assertSame(await outcomeOf(stage), new Map([[actor, length + 1]]));
      } catch (cause) {
        throw new Error(`${actor} died at ${at}, and the end is another`, { cause });
      }
      if (length > 0) return true;
    }
    t.diagnostic(`${actor} did not come to ${at} again in ${triesMax} plays`);
    return false;
  }

  close(): Promise<void> {
    return this.#stage.close();
  }

  #assertSame(outcome: Outcome, lives: ReadonlyMap<Actor, number>): void {
    const { traces, ...rest } = outcome;
    const { traces: hooks, ...wanted } = this.#expected;
    assert.deepEqual(rest, wanted);
    assert.deepEqual(Object.keys(traces).toSorted(), Object.keys(hooks).toSorted());
    for (const [name, times] of Object.entries(traces)) {
      // A hook with a probe does its work once; one without may be repeated by each death.
      const actor = name.slice(0, 3).toLowerCase() as Actor;
      const most = name.endsWith('.once') ? 1 : (lives.get(actor) ?? 1);
      assert.ok(times <= most, `${name} was done ${times} times`);
    }
  }
}

/** Some of those that every site must come to. */
export const ofSites: readonly string[] = [
  'commit update_event step-finished switch',
  'commit update_event install-succeeded done',
  'rename products/hello/current.json',
  'rename content/blobs/sha256/<digest> done',
  'start once: do once',
  'job hash given',
];

/** Each checkpoint with the number of its occurrence. */
export function numbered(names: readonly string[]): readonly string[] {
  const seen = new Map<string, number>();
  return names.map((name) => {
    const occurrence = (seen.get(name) ?? 0) + 1;
    seen.set(name, occurrence);
    return `${name}#${occurrence}`;
  });
}
