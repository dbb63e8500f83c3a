import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import type { Outcome, World } from '../harness.ts';
import { checkpointVariables } from './marks.ts';

const livesMax = 500;

/** What became of a command that died at each of its checkpoints. */
export interface Walked {
  /** Kinds of checkpoints that were died at. */
  readonly diedAt: readonly string[];
  /** How the last life ended. */
  readonly outcome: Outcome;
}

/** Runs a command to its end and answers the kinds of its checkpoints. @param folder holds what it changes */
export async function recordCommand(
  world: World,
  args: readonly string[],
  folder: string,
): Promise<readonly string[]> {
  const passed = world.path('command.passed');
  await writeFile(passed, '');
  await world.done(args, { ...preloaded(folder), [checkpointVariables.passed]: passed });
  return kindsIn(passed);
}

/**
 * Runs a command that dies at a checkpoint, and again, until it has died at all of them and comes to its end.
 *
 * @param except kinds of checkpoints that it does not die at
 * @param afterDeath looks at what a death left behind
 * @param isDone whether a repeat that was refused says that a life before it had done everything
 */
export async function walkCommand(
  world: World,
  args: readonly string[],
  folder: string,
  {
    except = [],
    afterDeath = async () => undefined,
    isDone = () => false,
  }: {
    readonly except?: readonly string[];
    readonly afterDeath?: (at: string) => Promise<void>;
    readonly isDone?: (outcome: Outcome) => boolean;
  } = {},
): Promise<Walked> {
  const walked = world.path('command.walked');
  await writeFile(walked, except.map((name) => `${name}\n`).join(''));
  const env = { ...preloaded(folder), [checkpointVariables.walked]: walked };
  for (let lives = 1; lives < livesMax; lives += 1) {
    const before = (await kindsIn(walked)).length;
    const outcome = await world.run(args, env);
    const diedAt = await kindsIn(walked);
    const last = diedAt.at(-1) ?? 'nothing';
    if (diedAt.length === before) {
      if (outcome.code !== 0 && !isDone(outcome)) {
        assert.fail(`after dying at "${last}" it ended with ${outcome.code}: ${outcome.err || outcome.out}`);
      }
      return { diedAt: diedAt.slice(except.length), outcome };
    }
    assert.equal(outcome.code, null, `it should have died at "${last}"`);
    await afterDeath(last);
  }
  throw new Error(`still not at its end after ${livesMax} lives`);
}

/** Runs a command that dies at one checkpoint, and once more to its end. */
export async function dieAlone(
  world: World,
  args: readonly string[],
  folder: string,
  at: string,
  isDone: (outcome: Outcome) => boolean = () => false,
): Promise<void> {
  const walked = world.path('command.walked');
  await writeFile(walked, '');
  const died = await world.run(args, {
    ...preloaded(folder),
    [checkpointVariables.walked]: walked,
    [checkpointVariables.only]: `${at}#1`,
  });
  assert.equal(died.code, null, `it should have died at "${at}": ${died.err}`);
  const outcome = await world.run(args);
  assert.ok(outcome.code === 0 || isDone(outcome), `after dying at "${at}": ${outcome.err}`);
}

function preloaded(folder: string): Readonly<Record<string, string>> {
  return {
    NODE_OPTIONS: `--import=${new URL('preload.ts', import.meta.url).href}`,
    [checkpointVariables.folder]: folder,
  };
}

async function kindsIn(file: string): Promise<readonly string[]> {
  const lines = (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '');
  return [...new Set(lines)];
}
