import type { SiteFacts } from '@sallyport/core/domain/exchange/exchange';
import type { Roster, RosterEntry } from '@sallyport/core/domain/sites/site';
import type { PackageGuid, ProductId, SiteCode } from '@sallyport/core/shared/ids';
import type { SitesResult } from '@sallyport/core/wire/api';
import type { ComponentStatus } from '../../ports/component.ts';
import type { ReadTables } from '../../ports/site-database.ts';
import { isOlder } from '../hierarchy-manager/order-judgement.ts';
import type { ChildStatus } from '../replication-manager/parent-side.ts';
import {
  componentsRecordKey,
  type ComponentsStatus,
  factsRecordKey,
  linksRecordKey,
  type LinksStatus,
  type NamedStatus,
  ordersRecordKey,
  type OrdersStatus,
} from '../hierarchy-manager/own-records.ts';

/** What is known here beside the records of all sites. */
export interface SitesContext {
  readonly links: SiteLinks;
  /** What the components of this site say now. */
  readonly components: readonly NamedStatus[];
  /** A package's version; undefined for one that the trusted catalogue does not name. */
  readonly versionOf: (product: ProductId, guid: PackageGuid) => string | undefined;
}

/** Every site of the roster, with what it says of itself as far as that has come here, and how its link fares. */
export function sitesResult(tables: ReadTables, roster: Roster, context: SitesContext): SitesResult {
  return {
    hierarchyId: roster.hierarchyId,
    rosterVersion: roster.version,
    sites: roster.sites.map((entry) => ({
      ...siteResult(tables, entry, context),
      ...linkOf(tables, entry, context.links),
    })),
  };
}

/** Links with this site: to its children, and its own to its parent. */
export interface SiteLinks {
  readonly site: SiteCode;
  readonly children: readonly ChildStatus[];
  /** What the component that dials the parent says. */
  readonly own: ComponentStatus;
}

function linkOf(
  tables: ReadTables,
  { code, parent, revoked }: RosterEntry,
  { site, children, own }: SiteLinks,
): Pick<SitesResult['sites'][number], 'link'> {
  if (revoked !== undefined) return {};
  if (code === site)
    return parent !== undefined && !['running', 'starting'].includes(own.state)
      ? { link: { problem: own.reason } }
      : {};
  if (parent !== undefined && parent !== site) return linkAsTold(tables, code, parent);
  const child = children.find((each) => each.site === code);
  if (child === undefined) return {};
  const { lastSeenAt, problem } = child;
  return {
    link: {
      ...(lastSeenAt === undefined ? {} : { lastSeenAt }),
      ...(problem === undefined ? {} : { problem }),
    },
  };
}

/** Of a link between two other sites: what the upper one of them says. */
function linkAsTold(
  tables: ReadTables,
  code: SiteCode,
  parent: SiteCode,
): Pick<SitesResult['sites'][number], 'link'> {
  const told = tables.records.get(parent, 'site-status', linksRecordKey)?.body as LinksStatus | undefined;
  const problem = told?.links.find(({ site }) => site === code)?.problem;
  return problem === undefined ? {} : { link: { problem: `its parent ${parent} says: ${problem}` } };
}

function siteResult(
  tables: ReadTables,
  { code, type, parent, revoked }: RosterEntry,
  { links, components, versionOf }: SitesContext,
): SitesResult['sites'][number] {
  // What a site says that was shut out is not passed on, and it could not correct it.
  if (revoked !== undefined) {
    return { code, type, ...(parent === undefined ? {} : { parent }), revoked, refusedOrders: [] };
  }
  const facts = factsOf(tables, code);
  const above = parent === undefined ? undefined : factsOf(tables, parent);
  // Of this site itself what is so now: where its database cannot be written, the record is of before.
  const status =
    code === links.site
      ? { components }
      : (tables.records.get(code, 'site-status', componentsRecordKey)?.body as ComponentsStatus | undefined);
  const orders = tables.records.get(code, 'site-status', ordersRecordKey)?.body as OrdersStatus | undefined;
  return {
    code,
    type,
    ...(parent === undefined ? {} : { parent }),
    ...(facts === undefined
      ? {}
      : {
          platform: facts.platform,
          products: facts.products.map(({ product, version, installed }) => ({
            product,
            version,
            installed: [...installed],
            missing: (above?.products.find((held) => held.product === product)?.installed ?? []).filter(
              (guid) => !installed.includes(guid) && !isOlder(versionOf(product, guid) ?? '', version),
            ),
          })),
        }),
    ...(status === undefined ? {} : { components: [...status.components] }),
    refusedOrders: [...(orders?.refused ?? [])],
  };
}

export function factsOf(tables: ReadTables, site: SiteCode): SiteFacts | undefined {
  return tables.records.get(site, 'site-facts', factsRecordKey)?.body as SiteFacts | undefined;
}
