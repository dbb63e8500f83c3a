import { messageOf } from '../../shared/errors.ts';
import type { UsageFacts } from './facts.ts';
import type { UsageItem, UsageRow } from './item.ts';
import { isTold, type UsageLevel } from './level.ts';
import { usageItems } from './registry.ts';
import type { SiteUsage } from './report.ts';
import { problemsOf, rowsMax } from './row-check.ts';

/** An item that could not be made. */
export interface FailedItem {
  readonly id: string;
  /** For people: what the item's function threw, or what is wrong with its rows. */
  readonly reason: string;
}

export interface Collected {
  /** Every item that is told at the level, by id; those without data with no rows. */
  readonly items: SiteUsage['items'];
  /** Not among the items: absent is not the same as none. */
  readonly failed: readonly FailedItem[];
}

/**
 * What a site tells at a level. Items that belong to the hierarchy as a whole are told by the top-tier site only.
 *
 * An item whose function throws, or whose rows are not what its columns say, hides no other: it is left out and named in
 * `failed`. A cloud would refuse all of a report for one bad cell. Of more than `rowsMax` rows the first are kept.
 *
 * @param items another registry than the real one; for tests
 */
export function collect(
  facts: UsageFacts,
  level: UsageLevel,
  items: readonly UsageItem[] = usageItems,
): Collected {
  const made: [string, readonly UsageRow[]][] = [];
  const failed: FailedItem[] = [];
  for (const item of itemsFor(level, facts.site.topTier, items)) {
    try {
      const rows = item.rows(facts).slice(0, rowsMax);
      const [problem] = problemsOf(item, rows);
      if (problem === undefined) made.push([item.id, rows]);
      else failed.push({ id: item.id, reason: `${problem.place}: ${problem.says}` });
    } catch (error) {
      failed.push({ id: item.id, reason: messageOf(error) });
    }
  }
  return { items: Object.fromEntries(made), failed };
}

/** The items that a site tells at a level. */
export function itemsFor(
  level: UsageLevel,
  topTier: boolean,
  items: readonly UsageItem[] = usageItems,
): readonly UsageItem[] {
  return items.filter((item) => isTold(item.level, level) && (topTier || item.scope === 'site'));
}
