import process from 'node:process';
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { removeAll } from './case-folders.ts';
import { watchDisk } from './disk-watch.ts';
import { type DiskCall, diskError } from './disk-watch-state.ts';
import { fingerprintOf, PowerCut, putState, type Unsynced } from './power-cut.ts';
import { SeededRandom } from './seeded-random.ts';

export interface PowerCutScenario<State, Promised> {
  /** Makes what is there before; all of it is durable. */
  readonly prepare: (folder: string) => Promise<State>;
  /** What is under way when the power is cut. Calls `promise` whenever something was answered that must last. */
  readonly act: (state: State, folder: string, promise: (promised: Promised) => void) => Promise<void>;
  /** Throws to let a change fail while `act` runs. */
  readonly fails?: (call: DiskCall) => void;
  /** Ends what `prepare` opened, before the cuts. */
  readonly close?: (state: State) => unknown;
  /** Opens what a cut has left, and holds it to what was promised before the cut: the newest last. */
  readonly recovers: (folder: string, promised: readonly Promised[]) => Promise<void>;
}

/** States tried at each point, beside "nothing unsynced lasts" and "all of it lasts". */
const samples = Math.max(2, Math.ceil(Number(process.env['SALLYPORT_PROPERTY_RUNS'] ?? 0) / 50));

/**
 * Runs a scenario once and then looks at what a power cut after each of its changes may leave: the least, the most,
 * and some states in between, by a seed that a failure prints (`SALLYPORT_SEED` repeats it, `SALLYPORT_PROPERTY_RUNS`
 * tries more).
 *
 * @param folder an empty folder; whoever gave it removes it
 */
export async function survivesPowerCuts<State, Promised>(
  folder: string,
  scenario: PowerCutScenario<State, Promised>,
): Promise<void> {
  const place = await mkdtemp(join(folder, 'real-'));
  const state = await scenario.prepare(place);
  const cut = new PowerCut(place);
  const promises: { readonly at: number; readonly promised: Promised }[] = [];
  try {
    await watchDisk(
      {
        folder: place,
        before: (call) => {
          scenario.fails?.(call);
          return undefined;
        },
        after: (event) => cut.note(event),
      },
      () =>
        scenario.act(state, place, (promised) => {
          promises.push({ at: cut.length, promised });
        }),
    );
  } finally {
    await scenario.close?.(state);
  }
  if (cut.length === 0) throw new Error('the scenario changes nothing on the watched disk');
  const seed = Number(process.env['SALLYPORT_SEED'] ?? 20_260_101);
  const random = new SeededRandom(seed);
  const chance: Unsynced = { fraction: () => random.fraction() };
  const seen = new Set<string>();
  for (let count = 0; count <= cut.length; count += 1) {
    const promised = promises.filter(({ at }) => at <= count).map((one) => one.promised);
    for (const unsynced of ['nothing', 'all', ...Array.from({ length: samples }, () => chance)] as const) {
      const lasting = cut.state(count, unsynced);
      const fingerprint = `${promised.length} ${fingerprintOf(lasting)}`;
      if (seen.has(fingerprint)) continue;
      seen.add(fingerprint);
      const left = await mkdtemp(join(folder, 'left-'));
      try {
        putState(lasting, left);
        await scenario.recovers(left, promised);
      } catch (failure) {
        const kept = typeof unsynced === 'string' ? `${unsynced} unsynced kept` : `seed ${seed}`;
        throw new Error(`power cut after change ${count} of ${cut.length} (${kept}): ${String(failure)}`, {
          cause: failure,
        });
      } finally {
        await removeAll(left);
      }
    }
  }
}

/** Lets the first sync of a path that ends so fail, as a disk does that answers again afterwards. */
export function failingSync(end: string): (call: DiskCall) => void {
  let failed = false;
  return ({ kind, path }) => {
    if (failed || kind !== 'sync' || !path.endsWith(end)) return;
    failed = true;
    throw diskError('EIO', 'fsync', path);
  };
}
