import type { ServiceWindow } from '@sallyport/core/domain/updates/service-window';
import type { SiteCode } from '@sallyport/core/shared/ids';
import { productId, siteCode } from '@sallyport/core/shared/ids';
import { days, hours } from '@sallyport/core/shared/units';
import { releaseTrain } from '../vendor/release-train.ts';
import { Chance } from '../world/chance.ts';
import { faultsFor, usualFaults } from './faults.ts';
import type { Plan, PlannedSite } from './plan.ts';
import { type RunResult, Simulation } from './simulation.ts';

const yearMs = days(365);

/** Clocks change within it twice a year. */
const atNight: ServiceWindow = {
  days: ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'],
  startsAt: '01:30',
  durationMinutes: 240,
  timeZone: 'Europe/Berlin',
};

/** A year of a large hierarchy whose vendor publishes every few weeks, with some of what goes wrong in a year. */
export async function runYear(seed: number, siteCount: number): Promise<RunResult> {
  return new Simulation(yearOf(seed, siteCount), {
    linesMax: 2_000,
    // Everything that news do not set off happens every day, or every few days where that says as much.
    times: {
      pullWaitMs: days(14),
      greetEveryMs: days(4),
      refreshEveryMs: days(1),
      statusEveryMs: days(7),
      wordsEveryMs: days(2),
      collectEveryMs: days(91),
      retryMaxMs: hours(2),
    },
    // Whoever looks once a day, three sites below the vendor, sees what was signed some days ago.
    lifetimesMs: { timestamp: days(14), snapshot: days(21) },
  }).run();
}

function yearOf(seed: number, siteCount: number): Plan {
  const chance = new Chance(seed).stream('year');
  const sites: PlannedSite[] = [
    { code: siteCode('CAS'), type: 'central', joinsAfterMs: 0, windows: [], clockOffMs: 0 },
  ];
  const primaries: SiteCode[] = [];
  for (let index = 1; index < siteCount; index += 1) {
    const isPrimary = index <= Math.max(1, Math.floor(siteCount / 3));
    const code = siteCode(`${isPrimary ? 'P' : 'S'}${String(index).padStart(2, '0')}`);
    sites.push({
      code,
      type: isPrimary ? 'primary' : 'secondary',
      parent: isPrimary ? siteCode('CAS') : chance.pick(primaries),
      joinsAfterMs: isPrimary ? hours(index) : days(1) + hours(index),
      windows: isPrimary && index % 2 === 0 ? [atNight] : [],
      clockOffMs: chance.between(-60_000, 60_000),
    });
    if (isPrimary) primaries.push(code);
  }
  const train = releaseTrain(chance.stream('train'), { product: productId('compiler'), count: 12 });
  return {
    seed,
    startsAt: Date.UTC(2026, 0, 1),
    sites,
    train,
    publishedAfterMs: train.map((_, index) => Math.floor((index * yearMs) / train.length)),
    acts: [],
    failures: new Map(),
    faults: [
      ...faultsFor(chance.stream('faults'), sites, yearMs),
      ...Array.from({ length: 12 }, (_, month) =>
        usualFaults(chance.stream(`faults of month ${month}`), sites, yearMs),
      ).flat(),
    ],
    without: new Set(),
    troubledMs: yearMs,
    patienceMs: yearMs + days(30),
    looksEveryMs: days(1),
  };
}
