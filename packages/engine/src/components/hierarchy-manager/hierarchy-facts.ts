import type { ProductFacts, SiteFacts, TargetingFacts } from '@sallyport/core/domain/exchange/exchange';
import type { Roster, SiteType } from '@sallyport/core/domain/sites/site';
import type { EpochMs, SiteCode } from '@sallyport/core/shared/ids';
import type { RecordReads } from '../../ports/site-database.ts';

/** What `targetingFacts` is made of. */
export interface FactsInput {
  readonly roster: Roster;
  /** What every site that has spoken yet says of itself. */
  readonly sites: readonly SiteFacts[];
  readonly topTier: SiteCode;
  readonly ring: string;
  readonly epoch: number;
  readonly sequence: number;
  readonly at: EpochMs;
}

/** The site facts of every site in the roster that is not revoked, the top-tier site's own included. */
export function siteFactsOf(records: RecordReads, roster: Roster): readonly SiteFacts[] {
  const active = new Set(roster.sites.filter((site) => site.revoked === undefined).map((site) => site.code));
  return records
    .list({ kind: 'site-facts' })
    .filter((record) => active.has(record.owner))
    .map((record) => record.body as SiteFacts);
}

/**
 * The facts that targeting needs, made of what the sites say of themselves: counts, and no site by name.
 * Undefined while the top-tier site has not spoken itself: there is nothing to target yet.
 */
export function targetingFacts(input: FactsInput): TargetingFacts | undefined {
  const { roster, sites, topTier, ring, epoch, sequence, at } = input;
  const top = sites.find((facts) => facts.site === topTier);
  if (top === undefined) return undefined;
  return {
    schema: 1,
    hierarchyId: roster.hierarchyId,
    epoch,
    sequence,
    collectedAt: new Date(at).toISOString(),
    ring,
    siteCounts: siteCounts(roster),
    products: top.products.map(({ product, version, installed }): ProductFacts => ({
      product,
      version,
      installed,
      versions: versionCounts(product, sites),
    })),
    platform: top.platform,
  };
}

function siteCounts(roster: Roster): Readonly<Record<SiteType, number>> {
  const active = roster.sites.filter((site) => site.revoked === undefined);
  const count = (type: SiteType): number => active.filter((site) => site.type === type).length;
  return { central: count('central'), primary: count('primary'), secondary: count('secondary') };
}

function versionCounts(product: string, sites: readonly SiteFacts[]): ProductFacts['versions'] {
  const counts = new Map<string, { readonly version: string; readonly type: SiteType; sites: number }>();
  for (const site of sites) {
    const held = site.products.find((candidate) => candidate.product === product);
    if (held === undefined) continue;
    const key = `${site.type} ${held.version}`;
    const counted = counts.get(key) ?? { version: held.version, type: site.type, sites: 0 };
    counted.sites += 1;
    counts.set(key, counted);
  }
  return [...counts].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, counted]) => counted);
}
