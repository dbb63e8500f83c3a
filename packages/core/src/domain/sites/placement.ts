import type { SiteCode } from '../../shared/ids.ts';
import type { SiteType } from './site.ts';

/** How far a hierarchy may grow (limits of the product whose behaviour this takes over). */
const hierarchyLimits = { primariesMax: 25, secondariesPerPrimaryMax: 250 } as const;

/** What placement looks at; a roster entry is one. */
export interface PlacedSite {
  readonly code: SiteCode;
  readonly type: SiteType;
  readonly parent?: SiteCode;
  readonly revoked?: object;
}

export type PlacementCode =
  | 'CODE_TAKEN'
  | 'CENTRAL_HAS_PARENT'
  | 'TOP_TIER_EXISTS'
  | 'NO_TOP_TIER'
  | 'PARENT_MISSING'
  | 'PARENT_UNKNOWN'
  | 'PARENT_REVOKED'
  | 'PARENT_WRONG_TYPE'
  | 'TOO_MANY_PRIMARIES'
  | 'TOO_MANY_SECONDARIES';

/** Why a site cannot stand where it wants to stand. */
export interface PlacementRefusal {
  readonly code: PlacementCode;
  readonly site: SiteCode;
  readonly reason: string;
  readonly remedy: string;
}

/**
 * Everything that keeps a new site from joining a hierarchy; empty when it may. The first site (no `sites`) is the
 * top-tier site: a central administration site or a stand-alone primary.
 *
 * @param sites the whole roster, revoked sites included: their codes stay taken
 */
export function placementRefusals(
  candidate: PlacedSite,
  sites: readonly PlacedSite[],
): readonly PlacementRefusal[] {
  const index = new PlacementIndex();
  for (const site of sites) {
    index.add(site);
  }
  return refusalsOf(candidate, index);
}

/**
 * What is wrong with where the sites of a whole roster stand. Sites are judged from the top down, so a circle of
 * parents is found as sites that no chain reaches.
 */
export function rosterProblems(sites: readonly PlacedSite[]): readonly PlacementRefusal[] {
  const children = Map.groupBy(sites, ({ parent }) => parent);
  const index = new PlacementIndex();
  const problems: PlacementRefusal[] = [];
  const queue = [...(children.get(undefined) ?? [])];
  const reached = new Set<PlacedSite>();
  for (const site of queue) {
    // Revoking a parent does not take its children off the roster.
    problems.push(...refusalsOf(site, index).filter(({ code }) => code !== 'PARENT_REVOKED'));
    index.add(site);
    reached.add(site);
    // A code that occurs twice leads to its children once.
    queue.push(...(children.get(site.code) ?? []));
    children.delete(site.code);
  }
  for (const site of sites) {
    if (!reached.has(site)) {
      problems.push({
        code: 'PARENT_UNKNOWN',
        site: site.code,
        reason: `No chain of parents leads from ${site.code} to the top-tier site.`,
        remedy: 'Name a parent that is in the roster.',
      });
    }
  }
  return problems;
}

/** Sites by what placement asks, so that a roster of thousands is judged in one pass. */
class PlacementIndex {
  readonly #sites = new Map<SiteCode, PlacedSite>();
  readonly #childCounts = new Map<string, number>();
  topTier: PlacedSite | undefined;

  get isEmpty(): boolean {
    return this.#sites.size === 0;
  }

  add(site: PlacedSite): void {
    if (!this.#sites.has(site.code)) {
      this.#sites.set(site.code, site);
    }
    if (site.parent === undefined) {
      this.topTier ??= site;
    } else if (site.revoked === undefined) {
      const key = `${site.type} ${site.parent}`;
      this.#childCounts.set(key, (this.#childCounts.get(key) ?? 0) + 1);
    }
  }

  find(code: SiteCode): PlacedSite | undefined {
    return this.#sites.get(code);
  }

  /** Children that are not revoked. */
  childCount(type: SiteType, parent: SiteCode): number {
    return this.#childCounts.get(`${type} ${parent}`) ?? 0;
  }
}

function refusalsOf(candidate: PlacedSite, index: PlacementIndex): readonly PlacementRefusal[] {
  const refusals: PlacementRefusal[] = [];
  const refuse: Refuse = (code, reason, remedy) => {
    refusals.push({ code, site: candidate.code, reason, remedy });
  };
  const taken = index.find(candidate.code);
  if (taken !== undefined) {
    const revoked = taken.revoked === undefined ? '' : ', although it is revoked';
    refuse(
      'CODE_TAKEN',
      `The site code ${candidate.code} is taken in this hierarchy${revoked}.`,
      'Choose another site code.',
    );
  }
  if (candidate.parent === undefined) {
    refuseTopTier(candidate, index.topTier, refuse);
  } else if (candidate.type === 'central') {
    refuse(
      'CENTRAL_HAS_PARENT',
      'A central administration site is the top of its hierarchy and has no parent.',
      'Set it up without a parent.',
    );
  } else {
    refuseChild({ ...candidate, parent: candidate.parent }, index, refuse);
  }
  return refusals;
}

type Refuse = (code: PlacementCode, reason: string, remedy: string) => void;

function refuseTopTier(candidate: PlacedSite, topTier: PlacedSite | undefined, refuse: Refuse): void {
  if (candidate.type === 'secondary') {
    refuse(
      'PARENT_MISSING',
      'A secondary site needs a primary site as its parent.',
      'Name the primary site that it belongs to.',
    );
  } else if (topTier !== undefined) {
    refuse(
      'TOP_TIER_EXISTS',
      `The hierarchy has its top-tier site already: ${topTier.code} (${topTier.type}).`,
      candidate.type === 'central'
        ? 'Set up a hierarchy of its own for it.'
        : 'Name a central administration site as its parent, or set up a hierarchy of its own for it.',
    );
  }
}

function refuseChild(
  candidate: PlacedSite & { readonly parent: SiteCode },
  index: PlacementIndex,
  refuse: Refuse,
): void {
  const wanted = candidate.type === 'primary' ? 'central' : 'primary';
  const parent = index.find(candidate.parent);
  if (index.isEmpty) {
    refuse('NO_TOP_TIER', 'The hierarchy has no site yet.', 'Set up its top-tier site first.');
  } else if (parent === undefined) {
    refuse(
      'PARENT_UNKNOWN',
      `The parent ${candidate.parent} is not a site of this hierarchy.`,
      'Name a site of this hierarchy.',
    );
  } else if (parent.type !== wanted) {
    refuse('PARENT_WRONG_TYPE', wrongParent(candidate, parent), `Name a ${wanted} site as its parent.`);
  } else if (parent.revoked !== undefined) {
    refuse('PARENT_REVOKED', `The parent ${parent.code} is revoked.`, 'Name another parent.');
  }
  const siblings = index.childCount(candidate.type, candidate.parent);
  if (candidate.type === 'primary' && siblings >= hierarchyLimits.primariesMax) {
    refuse(
      'TOO_MANY_PRIMARIES',
      `${candidate.parent} has ${siblings} primary sites, and ${hierarchyLimits.primariesMax} is the limit.`,
      'Remove one, or set up a hierarchy of its own for it.',
    );
  }
  if (candidate.type === 'secondary' && siblings >= hierarchyLimits.secondariesPerPrimaryMax) {
    refuse(
      'TOO_MANY_SECONDARIES',
      `${candidate.parent} has ${siblings} secondary sites, and ${hierarchyLimits.secondariesPerPrimaryMax} is the limit.`,
      'Place it under another primary site.',
    );
  }
}

function wrongParent(candidate: PlacedSite, parent: PlacedSite): string {
  if (candidate.type === 'secondary') {
    return `A secondary site stands under a primary site; ${parent.code} is a ${parent.type} site.`;
  }
  return parent.type === 'primary' && parent.parent === undefined
    ? `${parent.code} is a stand-alone primary site and can have secondary sites only.`
    : `A primary site stands under a central administration site; ${parent.code} is a ${parent.type} site.`;
}
