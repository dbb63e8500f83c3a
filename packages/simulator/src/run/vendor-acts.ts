import { days, hours, minutes } from '@sallyport/core/shared/units';
import type { SimPackage } from '../vendor/sim-package.ts';
import type { Chance } from '../world/chance.ts';

/** What a vendor does about a package that it has published. Times count from the beginning of the run. */
export interface VendorAct {
  readonly at: number;
  /** Its number in the train. */
  readonly which: number;
  readonly kind: 'hold' | 'release' | 'stop' | 'widen' | 'withdraw';
}

/** Packages some of which are rolled out step by step, and what is done about them. */
export interface Rollouts {
  readonly train: readonly SimPackage[];
  readonly acts: readonly VendorAct[];
}

/** Draws what a vendor does about its packages. The newest is withdrawn never, and so is what another one needs. */
export function rolloutsFor(
  chance: Chance,
  train: readonly SimPackage[],
  publishedAfterMs: readonly number[],
): Rollouts {
  const acts: VendorAct[] = [];
  const rolledOut = train.map((item, which) => {
    if (which === 0) return item;
    const published = publishedAfterMs[which] ?? 0;
    const later = (most: number): number => published + chance.anyMagnitude(minutes(1), most);
    if (chance.happens(0.25)) {
      const at = later(hours(12));
      acts.push({ at, which, kind: chance.pick(['hold', 'stop']) });
      acts.push({ at: at + chance.anyMagnitude(minutes(5), days(1)), which, kind: 'release' });
    }
    const isNeeded = train.some(({ requires = [] }) => requires.includes(item.guid));
    if (which < train.length - 1 && !isNeeded && chance.happens(0.3)) {
      acts.push({ at: later(days(1)), which, kind: 'withdraw' });
    }
    if (!chance.happens(0.3)) return item;
    acts.push({ at: later(days(1)), which, kind: 'widen' });
    return { ...item, percentage: chance.pick([0, 1, 10, 50]) };
  });
  return { train: rolledOut, acts: acts.toSorted((a, b) => a.at - b.at) };
}
