import { problemsOfItems } from '@sallyport/core/domain/usage/row-check';
import type { SiteUsage } from '@sallyport/core/domain/usage/report';
import {
  type CollectorState,
  readCollector,
} from '@sallyport/engine/components/usage-collector/collector-state';
import { usageRecordKey } from '@sallyport/engine/components/usage-collector/usage-collector';
import type { SimSite } from '../site/sim-site.ts';

/** What must not be about a site's usage data, whenever its process was cut off, and is. */
export function usageProblems(site: SimSite): readonly string[] {
  if (site.settings === undefined) return [];
  const { state, usage } = site.disk.read(({ settings, records }) => ({
    state: readCollector(settings),
    usage: records.get(site.code, 'site-usage', usageRecordKey)?.body as SiteUsage | undefined,
  }));
  return collectionProblems(state, usage).map((problem) => `${site.code}: ${problem}`);
}

/** How what a site collected and what it remembers of that differ: the two are written together. */
export function collectionProblems(
  state: CollectorState | undefined,
  usage: SiteUsage | undefined,
): readonly string[] {
  const last = state?.last;
  if (last === undefined && usage === undefined) return [];
  if (last === undefined) return ['usage data were collected, and nothing says so'];
  if (usage === undefined) return ['usage data are said to be collected, and there are none'];
  const problems = problemsOfItems(usage.items, usage.level).map(({ place, says }) => `${place}: ${says}`);
  if (usage.level !== last.level || usage.request !== last.request)
    problems.push(`usage data of level ${usage.level} are said to be of level ${last.level}`);
  if (last.failedItems > 0) problems.push(`${last.failedItems} data items could not be made`);
  return problems;
}
