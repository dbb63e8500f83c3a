import type { HierarchyId } from '../../shared/ids.ts';
import type { RolloutEntry } from './package.ts';

/** SHA-256 in lower-case hexadecimal. */
export type Sha256 = (bytes: Uint8Array) => string;

/** How many lots there are: a percentage has two decimals of room. */
export const lotCount = 10_000;

/**
 * The lot (0 to 9999) that a hierarchy drew for a seed: the same at the site and at the cloud, and never another
 * one, so raising a percentage only adds hierarchies.
 */
export function lot(seed: string, hierarchyId: HierarchyId, sha256: Sha256): number {
  // A hierarchy id has a fixed length, so no other pair gives the same text.
  const hex = sha256(new TextEncoder().encode(`${seed}\n${hierarchyId}`));
  // 48 bits keep the whole number exact and the bias below 10^-10.
  return Number.parseInt(hex.slice(0, 12), 16) % lotCount;
}

/** Lots below this take part. */
export function lotLimit(entry: RolloutEntry): number {
  return Math.floor((entry.percentage * lotCount) / 100);
}

/** Whether a hierarchy is among the entry's percentage. */
export function isDrawn(entry: RolloutEntry, hierarchyId: HierarchyId, sha256: Sha256): boolean {
  return lot(entry.seed, hierarchyId, sha256) < lotLimit(entry);
}
