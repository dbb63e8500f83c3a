import type { UsageFacts } from '@sallyport/core/domain/usage/facts';
import type { UsageLevel } from '@sallyport/core/domain/usage/level';
import type { EpochMs } from '@sallyport/core/shared/ids';
import { type UsageLimits, usageLimits } from '@sallyport/core/domain/usage/limits';
import { readExchange } from '../dmp-downloader/exchange-state.ts';
import { isTopTierSite } from '../hierarchy-manager/site-identity.ts';
import { readWindows } from '../update-installer/service-windows.ts';
import type { CollectorState } from './collector-state.ts';
import { gatherDatabase } from './gather-database.ts';
import { gatherLibrary } from './gather-library.ts';
import { gatherNeighbours } from './gather-neighbours.ts';
import { gatherUpdates } from './gather-updates.ts';
import type { UsageSources } from './sources.ts';

/** What is known before anything is gathered. */
export interface GatherTask {
  readonly at: EpochMs;
  /** The level in force. */
  readonly level: UsageLevel;
  readonly state: CollectorState;
  /** Lets others have their turn; rejects when the collector is to stop. */
  readonly pause: () => Promise<void>;
  /** Smaller ones, for tests. */
  readonly limits?: UsageLimits;
}

/** Everything that data items are made from, as this site knows it now. Takes several turns; nothing is written. */
export async function gatherFacts(sources: UsageSources, task: GatherTask): Promise<UsageFacts> {
  const { at, level, state, pause, limits = usageLimits } = task;
  const { site, database } = sources;
  const { roster } = sources.hierarchy.current();
  const library = await gatherLibrary(sources, limits, pause);
  await pause();
  const updates = await gatherUpdates(sources, roster, at, limits);
  await pause();
  const ofDatabase = await gatherDatabase(sources, limits, pause);
  await pause();
  const { performance, describe } = machineOf(sources);
  return {
    at,
    site: {
      code: site.code,
      type: site.type,
      topTier: isTopTierSite(site),
      epoch: database.read(({ records }) => records.epoch()),
      setUpAt: state.setUpAt,
      sallyport: sources.sallyport,
    },
    machine: describe,
    configuration: configurationOf(sources, level),
    roster,
    ...library,
    ...updates,
    ...ofDatabase,
    ...gatherNeighbours(sources, roster, at),
    exchange: exchangeOf(sources),
    components: sources.components().map((status) => ({
      name: status.name,
      state: status.state,
      since: status.since,
      failed: status.lastError !== undefined,
    })),
    logged: sources.logged(),
    requests: sources.requests(),
    process: performance,
    ...(state.last === undefined ? {} : { collection: state.last }),
  };
}

/** Of the release only the numbers that it begins with: the rest is whatever the kernel's builder wrote. */
function machineOf({ machine }: UsageSources) {
  const described = machine.describe();
  const release = /^\d+(?:\.\d+)*/.exec(described.release)?.[0] ?? 'unknown';
  return { describe: { ...described, release }, performance: machine.performance() };
}

function configurationOf(
  { database, configuration }: UsageSources,
  level: UsageLevel,
): UsageFacts['configuration'] {
  const { windows, settings } = database.read((tables) => ({
    windows: readWindows(tables.settings),
    settings: tables.statistics.settings(),
  }));
  return {
    level,
    ...configuration,
    settings,
    serviceWindows: windows.map(({ durationMinutes, days }) => ({
      durationMinutes,
      daysPerWeek: new Set(days).size,
    })),
  };
}

function exchangeOf({ database }: UsageSources): UsageFacts['exchange'] {
  const state = database.read(({ settings }) => readExchange(settings));
  const { startedAt, finishedAt } = state;
  const channels = (['metadata', 'facts', 'offer', 'usage'] as const).map((channel) => {
    const { result, code, okAt } = state[channel];
    return {
      channel,
      result,
      ...(code === undefined ? {} : { code }),
      ...(okAt === undefined ? {} : { okAt }),
    };
  });
  const took = startedAt === undefined || finishedAt === undefined ? -1 : finishedAt - startedAt;
  // One under way began after the last one ended; so does one over which the clock was set back.
  return { channels, failures: state.failures, ...(took < 0 ? {} : { lastMs: took }) };
}
