/** How much a hierarchy tells its vendor. Each level says everything that the one before it says. */
export type UsageLevel = 'basic' | 'enhanced' | 'full';

/** From the least to the most. */
export const usageLevels: readonly UsageLevel[] = ['basic', 'enhanced', 'full'];

/** What a hierarchy has until somebody chooses. */
export const defaultUsageLevel: UsageLevel = 'enhanced';

/** Whether what belongs to level `item` is told at level `chosen`. */
export function isTold(item: UsageLevel, chosen: UsageLevel): boolean {
  return usageLevels.indexOf(item) <= usageLevels.indexOf(chosen);
}

/** The one of two levels that tells less. */
export function lowerLevel(a: UsageLevel, b: UsageLevel): UsageLevel {
  return isTold(a, b) ? a : b;
}
