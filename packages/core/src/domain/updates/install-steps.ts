import type { Hook } from './package.ts';
import { installSteps, type InstallStep } from './state.ts';

/** The step to do next, or `commit` when all are done. A step that is not known counts for nothing. */
export function stepAfter(done: readonly string[]): InstallStep | 'commit' {
  return installSteps.find((step) => !done.includes(step)) ?? 'commit';
}

/**
 * What is known of a hook in one attempt. `begun`: it may have done any part of its work, so a repeat
 * looks first (`probe`) and a roll-back takes it back.
 */
export interface HookEntry {
  readonly id: string;
  readonly state: 'begun' | 'finished' | 'undone';
}

/** The hooks of an attempt in the order in which they were begun. */
export type HookLedger = readonly HookEntry[];

/** The ledger with a hook's new state; a hook keeps its place. */
export function recordHook(ledger: HookLedger, id: string, state: HookEntry['state']): HookLedger {
  const entry = { id, state };
  return ledger.some((known) => known.id === id)
    ? ledger.map((known) => (known.id === id ? entry : known))
    : [...ledger, entry];
}

/** The hooks of a phase that are still to run, in order; `repeat` is set for one that was begun before. */
export function hooksToRun(
  ledger: HookLedger,
  hooks: readonly Hook[],
  phase: Hook['phase'],
): readonly { readonly hook: Hook; readonly repeat: boolean }[] {
  const states = new Map(ledger.map(({ id, state }) => [id, state]));
  return hooks
    .filter((hook) => hook.phase === phase && states.get(hook.id) !== 'finished')
    .map((hook) => ({ hook, repeat: states.get(hook.id) === 'begun' }));
}

/** What a roll-back takes back, the last one begun first: every hook that may have done something and knows how. */
export function hooksToUndo(ledger: HookLedger, hooks: readonly Hook[]): readonly Hook[] {
  return ledger
    .filter(({ state }) => state !== 'undone')
    .toReversed()
    .flatMap(({ id }) => hooks.filter((hook) => hook.id === id && hook.undo !== undefined));
}

/** What the placeholders of a command stand for; one that is missing has no meaning where the command runs. */
export interface CommandPlaces {
  readonly node?: string;
  readonly release?: string;
  readonly previousRelease?: string;
  readonly data?: string;
}

export type FilledCommand =
  | { readonly kind: 'filled'; readonly argv: readonly string[] }
  | { readonly kind: 'no-place'; readonly placeholder: string };

const placeholder = /\{(node|release|previousRelease|data)\}/g;

/** An argument vector with its placeholders filled in. Other text in braces stays as it is. */
export function fillCommand(run: readonly string[], places: CommandPlaces): FilledCommand {
  const argv: string[] = [];
  let missing: string | undefined;
  for (const argument of run) {
    argv.push(
      argument.replaceAll(placeholder, (text, name: keyof CommandPlaces) => {
        const place = places[name];
        missing ??= place === undefined ? text : undefined;
        return place ?? text;
      }),
    );
  }
  return missing === undefined ? { kind: 'filled', argv } : { kind: 'no-place', placeholder: missing };
}
