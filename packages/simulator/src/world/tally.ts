/** What can go wrong in a run, each by the effect that it had: a fault that only was planned had none. */
export const mishaps = [
  'site crashes inside a call',
  'vendor crashes inside a call',
  'calls over a cut line',
  'messages lost',
  'requests doubled',
  'messages overtaken',
  'writes refused by a full disk',
  'clocks set',
  'bits flipped',
  'machines in a drawer',
  'servers stopped',
  'vendor outages',
  'disks restored',
  'old disks',
  'old disks found',
  'twins',
  'twins found',
  'programs failed',
  'hooks found done',
  'installs taken back',
  'orders taken back',
  'sites shut out',
  'withdrawals heard of',
  'orders ended by a withdrawal',
] as const;

export type Mishap = (typeof mishaps)[number];

/** How often each has happened; those that have not are there with 0. */
export type Struck = Readonly<Record<Mishap, number>>;

/** Counts what has happened, where it happens. */
export class Tally {
  readonly #counts = new Map<Mishap, number>();

  readonly count = (what: Mishap): void => {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + 1);
  };

  get struck(): Struck {
    return struckOf((what) => this.#counts.get(what) ?? 0);
  }
}

/** What has happened in all of some runs. */
export function sumOf(runs: readonly Struck[]): Struck {
  return struckOf((what) => runs.reduce((sum, struck) => sum + struck[what], 0));
}

/** One line, in the order of `mishaps`: what has not happened is there too, so that it is noticed. */
export function lineOf(struck: Struck): string {
  return `struck: ${mishaps.map((what) => `${struck[what]} ${what}`).join(', ')}`;
}

function struckOf(count: (what: Mishap) => number): Struck {
  return Object.fromEntries(mishaps.map((what) => [what, count(what)])) as Record<Mishap, number>;
}
