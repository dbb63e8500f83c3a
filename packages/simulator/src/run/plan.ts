import type { SiteType } from '@sallyport/core/domain/sites/site';
import type { ServiceWindow, Weekday } from '@sallyport/core/domain/updates/service-window';
import { type EpochMs, productId, siteCode, type SiteCode } from '@sallyport/core/shared/ids';
import { days, hours, minutes } from '@sallyport/core/shared/units';
import type { SimPackage } from '../vendor/sim-package.ts';
import { releaseTrain } from '../vendor/release-train.ts';
import { Chance } from '../world/chance.ts';
import { faultsFor, type Fault } from './faults.ts';
import { rolloutsFor, type VendorAct } from './vendor-acts.ts';

/** A site of the plan; a parent comes before its children. */
export interface PlannedSite {
  readonly code: SiteCode;
  readonly type: SiteType;
  readonly parent?: SiteCode;
  /** After the beginning; 0 for those that are there from the start. */
  readonly joinsAfterMs: number;
  readonly windows: readonly ServiceWindow[];
  /** How far its clock is off. */
  readonly clockOffMs: number;
}

/** Everything that is to happen in a run, drawn from its seed before it begins. */
export interface Plan {
  readonly seed: number;
  readonly startsAt: EpochMs;
  readonly sites: readonly PlannedSite[];
  readonly train: readonly SimPackage[];
  /** When each package of the train is published, after the beginning; the baseline at once. */
  readonly publishedAfterMs: readonly number[];
  /** What the vendor does about what it has published. */
  readonly acts: readonly VendorAct[];
  /** A site without children that is shut out once it is set up and this time has come. */
  readonly revocation?: { readonly site: SiteCode; readonly at: number };
  /** How often a program fails before it works, by `<site> <kind> <guid> <id>`. */
  readonly failures: ReadonlyMap<string, number>;
  readonly faults: readonly Fault[];
  /** Numbers of the faults that do not come this time. */
  readonly without: ReadonlySet<number>;
  /** Faults happen until then; after that everything heals. */
  readonly troubledMs: number;
  /** Everything must have come to its end by then. */
  readonly patienceMs: number;
  /** How often an administrator looks. */
  readonly looksEveryMs: number;
}

export interface PlanOptions {
  /** Drawn when not given: 2 to 5. */
  readonly sites?: number;
  /** Faults left out, by their number: to find out which of them a failure takes. */
  readonly without?: ReadonlySet<number>;
  readonly troubledMs?: number;
  readonly packages?: number;
}

/** Weeks in which clocks change in Europe and America are as likely as all others together. */
const beginnings = [
  Date.UTC(2026, 2, 26),
  Date.UTC(2026, 9, 23),
  Date.UTC(2026, 2, 6),
  Date.UTC(2026, 9, 30),
];

const zones = ['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kolkata', 'UTC'];

/** Draws a run. The same seed and options always give the same plan. */
export function planOf(seed: number, options: PlanOptions = {}): Plan {
  const chance = new Chance(seed).stream('plan');
  const startsAt = chance.happens(0.5)
    ? chance.pick(beginnings) + chance.between(0, hours(24))
    : Date.UTC(2026, 0, 1) + chance.between(0, days(360));
  const troubledMs = options.troubledMs ?? days(chance.pick([1, 1, 2, 2, 3]));
  const sites = sitesOf(chance.stream('sites'), options.sites, troubledMs);
  const product = productId('compiler');
  const train = releaseTrain(chance.stream('train'), {
    product,
    count: 1 + (options.packages ?? chance.between(1, 4)),
  });
  const times = chance.stream('times');
  const publishedAfterMs = train
    .map((_, index) => (index === 0 ? 0 : times.between(0, troubledMs)))
    .toSorted((a, b) => a - b);
  const rollouts = rolloutsFor(chance.stream('rollouts'), train, publishedAfterMs);
  const faults = faultsFor(chance.stream('faults'), sites, troubledMs);
  return {
    seed,
    startsAt,
    sites,
    train: rollouts.train,
    publishedAfterMs,
    acts: rollouts.acts,
    ...revocationOf(chance.stream('revocation'), sites, faults, troubledMs),
    failures: failuresOf(chance.stream('failures'), sites, train),
    faults,
    without: options.without ?? new Set(),
    troubledMs,
    patienceMs: troubledMs + days(21),
    looksEveryMs: hours(4),
  };
}

function sitesOf(chance: Chance, wanted: number | undefined, troubledMs: number): readonly PlannedSite[] {
  const count = wanted ?? chance.pick([2, 2, 3, 3, 4, 5]);
  const sites: PlannedSite[] = [
    { code: siteCode('CAS'), type: 'central', joinsAfterMs: 0, ...ways(chance, 'central') },
  ];
  const primaries: SiteCode[] = [];
  for (let index = 1; index < count; index += 1) {
    const isPrimary = primaries.length === 0 || chance.happens(0.55);
    const code = siteCode(`${isPrimary ? 'P' : 'S'}${String(index).padStart(2, '0')}`);
    const parent = isPrimary ? siteCode('CAS') : chance.pick(primaries);
    const joinsAfterMs = chance.happens(0.3) ? chance.between(0, Math.floor(troubledMs / 2)) : 0;
    const type = isPrimary ? 'primary' : 'secondary';
    sites.push({ code, type, parent, joinsAfterMs, ...ways(chance, type) });
    if (isPrimary) primaries.push(code);
  }
  return sites;
}

/** None where the top-tier site may forget it with its disk. */
function revocationOf(
  chance: Chance,
  sites: readonly PlannedSite[],
  faults: readonly Fault[],
  troubledMs: number,
): Pick<Plan, 'revocation'> {
  const forgets = faults.some((fault) => fault.kind === 'old-disk' && fault.site === sites[0]?.code);
  const leaves = sites.filter(
    ({ code, parent }) => parent !== undefined && sites.every((other) => other.parent !== code),
  );
  if (forgets || sites.length < 3 || !chance.happens(0.2)) return {};
  return { revocation: { site: chance.pick(leaves).code, at: chance.between(hours(2), troubledMs) } };
}

function ways(chance: Chance, type: SiteType): Pick<PlannedSite, 'clockOffMs' | 'windows'> {
  return {
    clockOffMs: chance.between(-minutes(2), minutes(2)),
    windows: type !== 'secondary' && chance.happens(0.6) ? [windowOf(chance)] : [],
  };
}

const everyDay: readonly Weekday[] = [
  'sunday',
  'monday',
  'tuesday',
  'wednesday',
  'thursday',
  'friday',
  'saturday',
];

function windowOf(chance: Chance): ServiceWindow {
  const hour = chance.happens(0.5) ? chance.between(1, 3) : chance.between(0, 23);
  return {
    days: chance.happens(0.7) ? everyDay : everyDay.filter((day) => chance.happens(0.8) || day === 'sunday'),
    startsAt: `${String(hour).padStart(2, '0')}:${chance.pick(['00', '30', '15'])}`,
    durationMinutes: chance.pick([30, 60, 240, 600]),
    timeZone: chance.pick(zones),
  };
}

function failuresOf(
  chance: Chance,
  sites: readonly PlannedSite[],
  train: readonly SimPackage[],
): ReadonlyMap<string, number> {
  const failures = new Map<string, number>();
  for (const { code } of sites) {
    for (const { guid, hooks = [], prerequisites = [] } of train.slice(1)) {
      const programs = [
        'health ',
        ...hooks.map(({ id }) => `hook ${id}`),
        ...prerequisites.map(({ id }) => `prerequisite ${id}`),
      ];
      for (const program of programs) {
        const [kind = '', id = ''] = program.split(' ');
        if (chance.happens(0.12)) failures.set(`${code} ${kind} ${guid} ${id}`, chance.between(1, 3));
      }
    }
  }
  return failures;
}
