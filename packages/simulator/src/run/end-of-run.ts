import type { ProductId, SiteCode } from '@sallyport/core/shared/ids';
import type { HierarchySummary } from '@sallyport/engine/ports/cloud-database';
import { factsProblems, hookProblems, orderProblems } from '../properties/accepted.ts';
import { foldProblems, recordProblems } from '../properties/end-state.ts';
import { usageProblems } from '../properties/usage-data.ts';
import type { OuterWorld } from '../site/programs.ts';
import type { SimSite } from '../site/sim-site.ts';
import type { Plan } from './plan.ts';

/**
 * What came of what was ordered at a site, without what faults may change: times, attempts, and which packages in
 * between it went by.
 */
export interface SiteEndState {
  readonly site: SiteCode;
  readonly runs: string | undefined;
  readonly newest: string | undefined;
  readonly underWay: number;
}

export function endStateOf(site: SimSite, product: ProductId, newest: string | undefined): SiteEndState {
  const own = site.disk.read(({ updates }) => updates.projections({ site: site.code }));
  return {
    site: site.code,
    runs: site.disk.currentRelease(product)?.version,
    newest: own.find(({ guid }) => guid === newest)?.state,
    underWay: own.filter(({ state }) => state === 'INSTALL_IN_PROGRESS').length,
  };
}

/** What must not be once everything has come to its end, and is. */
export function endProblems(run: {
  readonly plan: Plan;
  readonly product: ProductId;
  readonly sites: ReadonlyMap<SiteCode, SimSite>;
  /** Whether a site belongs to the hierarchy, and was not shut out. */
  readonly isMember: (site: SiteCode) => boolean;
  /** Orders that the administrator was told were given. */
  readonly acknowledged: ReadonlySet<number>;
  readonly hierarchies: readonly HierarchySummary[];
  readonly outerWorld: OuterWorld;
}): readonly string[] {
  const { plan, product, sites, isMember, acknowledged, hierarchies, outerWorld } = run;
  const all = plan.sites.flatMap(({ code }) => sites.get(code) ?? []);
  const [top] = all;
  if (top === undefined) return [];
  const members = all.filter(({ code }) => isMember(code));
  // A disk that was put back has forgotten what it had accepted since, and does it again.
  const forgetful = new Set(
    plan.faults.flatMap((fault, index) =>
      (fault.kind === 'old-disk' || fault.kind === 'twin') && !plan.without.has(index) ? [fault.site] : [],
    ),
  );
  return [
    ...(forgetful.has(top.code) ? [] : orderProblems(top, acknowledged)),
    ...factsProblems(hierarchies, members, product),
    ...all.flatMap((site) => (forgetful.has(site.code) ? [] : hookProblems(site, plan.train, outerWorld))),
    ...all.filter(({ code }) => !isMember(code)).flatMap(shutOutProblems),
    ...all.flatMap(foldProblems),
    ...all.flatMap(usageProblems),
    ...linkProblems(run, top, members),
  ];
}

/** A site that was shut out says so. */
function shutOutProblems({ code, process }: SimSite): readonly string[] {
  if (process === undefined) return [];
  const { reason } = process.parts.replicationManager.query();
  return reason.includes('was revoked') ? [] : [`${code} was shut out, and says: ${reason}`];
}

function linkProblems(
  { plan, sites }: { readonly plan: Plan; readonly sites: ReadonlyMap<SiteCode, SimSite> },
  top: SimSite,
  members: readonly SimSite[],
): readonly string[] {
  const roster = top.process?.parts.view.current().roster;
  if (roster === undefined) return [];
  return members.flatMap((site) => {
    const parent = plan.sites.find(({ code }) => code === site.code)?.parent;
    const above = parent === undefined ? undefined : sites.get(parent);
    return above === undefined ? [] : recordProblems(roster, above, site);
  });
}
