import { HierarchyError } from '@sallyport/core/domain/sites/hierarchy-error';
import { topTierOf } from '@sallyport/core/domain/sites/roster';
import type { Roster } from '@sallyport/core/domain/sites/site';
import { eventDays, type UsageFacts } from '@sallyport/core/domain/usage/facts';
import type { EpochMs } from '@sallyport/core/shared/ids';
import { days } from '@sallyport/core/shared/units';
import type { UsageLimits } from '@sallyport/core/domain/usage/limits';
import { readOrders } from '../hierarchy-manager/order-setting.ts';
import { readSelection } from '../hierarchy-manager/selection-setting.ts';
import { packagesOf } from '../hierarchy-manager/trusted-view.ts';
import { isTopTierSite } from '../hierarchy-manager/site-identity.ts';
import type { UsageSources } from './sources.ts';

type UpdateFacts = Pick<UsageFacts, 'events' | 'orders' | 'packages' | 'projections' | 'verdicts'>;
type IssuedOrder = UsageFacts['orders']['issued'][number];

/** What happened to packages here, what is known of them, and at the top-tier site what was decided about them. */
export async function gatherUpdates(
  sources: UsageSources,
  roster: Roster,
  at: EpochMs,
  limits: UsageLimits,
): Promise<UpdateFacts> {
  const { site, database, documents, hierarchy } = sources;
  const view = await documents.view();
  const owner = isTopTierSite(site) ? topTierOf(roster)?.code : undefined;
  const bodies = database.read(({ records }) =>
    owner === undefined ? [] : records.list({ kind: 'order', owner }).slice(-limits.ordersMax),
  );
  const issued = bodies.flatMap(({ body }) => issuedOrder(hierarchy, body) ?? []);
  return database.read((tables) => {
    const orders = readOrders(tables.settings);
    return {
      packages: new Map(
        packagesOf(view).map(({ entry, product, descriptor }) => [
          entry.guid,
          {
            product: product.product,
            version: entry.version,
            kind: entry.kind,
            withdrawn: entry.withdrawn !== undefined,
            impact: descriptor?.impact ?? [],
            ...releasedAtOf(descriptor?.releasedAt),
          },
        ]),
      ),
      projections: tables.updates.projections({ site: site.code }),
      events: tables.statistics.eventsSince(site.code, at - days(eventDays), limits.eventsMax),
      verdicts: (readSelection(tables.settings)?.products ?? []).flatMap(({ product, results }) =>
        results.map(({ verdict, reasons }) => ({
          product,
          verdict,
          reasons: reasons.map(({ code }) => code),
        })),
      ),
      orders: {
        issued,
        refused: orders.refused.map(({ code, at: refusedAt }) => ({ code, at: refusedAt })),
        deferred: orders.deferred.length,
      },
    };
  });
}

function releasedAtOf(text: string | undefined): { readonly releasedAt?: EpochMs } {
  const releasedAt = Date.parse(text ?? '');
  return Number.isNaN(releasedAt) ? {} : { releasedAt };
}

/** Undefined for one that an operating key before this one signed: it cannot be verified any more. */
function issuedOrder(hierarchy: UsageSources['hierarchy'], body: unknown): IssuedOrder | undefined {
  try {
    const { action, sites, consent, licence, features } = hierarchy.verifyOrder(body);
    return {
      action,
      addressed: sites === 'primaries' ? 'primaries' : 'named',
      consents: consent?.warnings.length ?? 0,
      licence: licence !== undefined,
      features,
    };
  } catch (error) {
    if (error instanceof HierarchyError) return undefined;
    throw error;
  }
}
