import type { UsageItem } from './item.ts';
import { clientItems } from './items/clients.ts';
import { componentItems } from './items/components.ts';
import { configurationItems } from './items/configuration.ts';
import { consoleItems } from './items/console.ts';
import { contentItems } from './items/content.ts';
import { databaseItems } from './items/database.ts';
import { downloadItems } from './items/downloads.ts';
import { exchangeItems } from './items/exchange.ts';
import { performanceItems } from './items/performance.ts';
import { prerequisiteItems } from './items/prerequisites.ts';
import { replicationItems } from './items/replication.ts';
import { setupItems } from './items/setup.ts';
import { systemItems } from './items/system.ts';
import { taskItems } from './items/tasks.ts';
import { topologyItems } from './items/topology.ts';
import { updateDecisionItems } from './items/update-decisions.ts';
import { updatePackageItems } from './items/update-packages.ts';
import { updateTimeItems } from './items/update-times.ts';
import { updateItems } from './items/updates.ts';

/**
 * Every data item that there is, group by group, in the order of the dictionary. What is not here is not collected, does
 * not leave, and is refused by a cloud.
 */
export const usageItems: readonly UsageItem[] = [
  ...setupItems,
  ...topologyItems,
  ...systemItems,
  ...databaseItems,
  ...componentItems,
  ...updateItems,
  ...updatePackageItems,
  ...updateTimeItems,
  ...updateDecisionItems,
  ...prerequisiteItems,
  ...downloadItems,
  ...exchangeItems,
  ...replicationItems,
  ...contentItems,
  ...taskItems,
  ...configurationItems,
  ...consoleItems,
  ...clientItems,
  ...performanceItems,
];

const byId: ReadonlyMap<string, UsageItem> = new Map(usageItems.map((item) => [item.id, item]));

/** Undefined for an id that this release does not know. */
export function usageItem(id: string): UsageItem | undefined {
  return byId.get(id);
}
