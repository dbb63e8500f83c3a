import type { UsageLevel } from '@sallyport/core/domain/usage/level';
import type { UsagePolicy } from '@sallyport/core/domain/usage/report';
import type { EpochMs } from '@sallyport/core/shared/ids';
import { days } from '@sallyport/core/shared/units';
import type { SettingReads, SettingWrites } from '../../ports/site-database.ts';

/** The setting `usage-collector`: what collecting goes by. */
export interface CollectorState {
  readonly schema: 1;
  /** When the site was set up: weeks are counted from it. */
  readonly setUpAt: EpochMs;
  /** Absent before the first collection. */
  readonly last?: Collection;
}

/** What a collection came to. */
export interface Collection {
  readonly at: EpochMs;
  readonly ms: number;
  readonly level: UsageLevel;
  /** The policy's request number that it answered. */
  readonly request: number;
  /** Items that could not be made. */
  readonly failedItems: number;
  /** Since the site was set up, this one included. */
  readonly count: number;
}

export const collectorSettingName = 'usage-collector';

export function readCollector(settings: SettingReads): CollectorState | undefined {
  return settings.get(collectorSettingName) as CollectorState | undefined;
}

export function writeCollector(settings: SettingWrites, state: CollectorState): void {
  settings.put(collectorSettingName, state);
}

/** How often a site collects without being asked, counted from its set-up. */
const collectEveryMs = days(7);

/** Why a site collects now, or until when it does not. */
export type DueVerdict =
  | { readonly due: true; readonly reason: string }
  | { readonly due: false; readonly nextAt: EpochMs };

/**
 * Whether a site has to collect. Weeks begin at its set-up, whenever it collected in between; one that slept through
 * several collects once. `last` is never later than `now` (`corrected`).
 *
 * @param everyMs how long a week is; another length is for a world in which other times count
 */
export function judgeDue(
  state: CollectorState,
  policy: UsagePolicy,
  now: EpochMs,
  everyMs = collectEveryMs,
): DueVerdict {
  const { setUpAt, last } = state;
  // A top-tier site that was restored may count from a lower number again.
  if (policy.request !== (last?.request ?? 0))
    return { due: true, reason: `collecting was asked for (request ${policy.request})` };
  if (last !== undefined && last.level !== policy.level)
    return { due: true, reason: `the level is now ${policy.level}` };
  const nextAt = weekAfter(setUpAt, last?.at ?? Math.min(setUpAt, now), everyMs);
  return nextAt <= now ? { due: true, reason: 'a week is over' } : { due: false, nextAt };
}

/**
 * The state as it can be gone by: a last collection that lies ahead, because the clock was set back since, counts as made
 * now. Otherwise the site would fall silent until the clock is there again.
 */
export function corrected(state: CollectorState, now: EpochMs): CollectorState {
  const { last } = state;
  return last !== undefined && last.at > now ? { ...state, last: { ...last, at: now } } : state;
}

/** The first beginning of a week, counted from `setUpAt` in both directions, that is later than `after`. */
function weekAfter(setUpAt: EpochMs, after: EpochMs, weekMs: number): EpochMs {
  return setUpAt + (Math.floor((after - setUpAt) / weekMs) + 1) * weekMs;
}
