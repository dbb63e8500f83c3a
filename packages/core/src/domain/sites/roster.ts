import type { SiteCode } from '../../shared/ids.ts';
import { rosterProblems } from './placement.ts';
import type { Roster, RosterEntry } from './site.ts';

/** A roster is looked into for every record that arrives, and never changes: its codes are indexed once. */
const indexes = new WeakMap<Roster, ReadonlyMap<SiteCode, RosterEntry>>();

export function entryOf(roster: Roster, code: SiteCode): RosterEntry | undefined {
  let index = indexes.get(roster);
  if (index === undefined) {
    index = new Map(roster.sites.map((site) => [site.code, site]));
    indexes.set(roster, index);
  }
  return index.get(code);
}

/** The site that a link key belongs to, revoked or not. */
export function entryOfKey(roster: Roster, key: string): RosterEntry | undefined {
  return roster.sites.find((site) => site.key === key);
}

/** The central administration site or stand-alone primary: the only one without a parent. */
export function topTierOf(roster: Roster): RosterEntry | undefined {
  return roster.sites.find((site) => site.parent === undefined);
}

export function isTopTier(roster: Roster, code: SiteCode): boolean {
  return topTierOf(roster)?.code === code;
}

/** Parent, its parent and so on, the nearest first. Ends at the top-tier site, or where the roster is broken. */
export function ancestorsOf(roster: Roster, code: SiteCode): readonly RosterEntry[] {
  const ancestors: RosterEntry[] = [];
  const seen = new Set<SiteCode>([code]);
  let parent = entryOf(roster, code)?.parent;
  while (parent !== undefined && !seen.has(parent)) {
    const entry = entryOf(roster, parent);
    if (entry === undefined) {
      break;
    }
    seen.add(parent);
    ancestors.push(entry);
    parent = entry.parent;
  }
  return ancestors;
}

/** Children, their children and so on, revoked ones included. */
export function descendantsOf(roster: Roster, code: SiteCode): readonly RosterEntry[] {
  return roster.sites.filter((site) =>
    ancestorsOf(roster, site.code).some((ancestor) => ancestor.code === code),
  );
}

/**
 * Which of two rosters counts: the one of the higher epoch of the top-tier site (it rises with a restore, which may
 * have lost versions), then the higher version. Negative when `a` is older.
 */
export function compareRosters(a: Roster, b: Roster): number {
  const epochs = (topTierOf(a)?.epoch ?? 0) - (topTierOf(b)?.epoch ?? 0);
  return epochs === 0 ? a.version - b.version : epochs;
}

/**
 * What is wrong with a roster as a whole, for people; empty when nothing is. Signatures say who made it, this says
 * whether it can be followed: every site stands where it may, and has a key of its own.
 */
export function rosterDefects(roster: Roster): readonly string[] {
  const defects = rosterProblems(roster.sites).map(({ reason }) => reason);
  if (topTierOf(roster) === undefined) {
    defects.push('It has no top-tier site.');
  }
  const keys = new Set<string>();
  for (const { code, key } of roster.sites) {
    if (keys.has(key)) {
      defects.push(`The key of site ${code} belongs to another site too.`);
    }
    keys.add(key);
  }
  return defects;
}
