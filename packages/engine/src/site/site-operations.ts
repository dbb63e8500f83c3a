import { SiteOperations } from '../components/operations/operations.ts';
import { UsageOperations } from '../components/usage-reports/usage-operations.ts';
import type { SiteParts } from './site-parts.ts';
import type { SiteAssembly } from './site-ports.ts';

/** What an administrator may ask of a site that was put together. */
export function siteOperations({ ports, exchange }: SiteAssembly, parts: SiteParts): SiteOperations {
  const { database, digests, clock } = ports;
  const { topTier, downloader, outbox } = parts;
  return new SiteOperations({
    site: parts.site,
    database,
    documents: parts.documents,
    hierarchy: parts.view,
    manager: parts.hierarchyManager,
    distribution: parts.distributionManager,
    links: parts.replicationManager,
    components: () => parts.executive.query(),
    digests,
    clock,
    log: parts.logs.of('SMS_PROVIDER'),
    ...(topTier === undefined || downloader === undefined
      ? {}
      : {
          topTier: {
            downloader,
            signOrder: (order) => topTier.authority.signOrder(order),
            ...(outbox === undefined || exchange === 'none' ? {} : { outbox }),
            ...(parts.connection === undefined ? {} : { offline: true }),
          },
        }),
  });
}

/** What an administrator may ask of a site's usage data. */
export function usageOperations({ ports, exchange }: SiteAssembly, parts: SiteParts): UsageOperations {
  const { database, clock, logs } = ports;
  const { topTier, reports } = parts;
  return new UsageOperations({
    site: parts.site,
    database,
    hierarchy: parts.view,
    clock,
    log: logs.of('SMS_PROVIDER'),
    ...(topTier === undefined || reports === undefined || exchange === 'none'
      ? {}
      : { reports, hashName: topTier.hashName }),
  });
}
