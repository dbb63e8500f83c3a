import type { Order } from '@sallyport/core/domain/updates/order';
import type { Digests } from '../../ports/digests.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { SiteDatabase } from '../../ports/site-database.ts';
import type { DistributionManager } from '../distribution-manager/distribution-manager.ts';
import type { DmpDownloader } from '../dmp-downloader/downloader.ts';
import type { FactsOutbox } from '../dmp-downloader/facts-outbox.ts';
import type { HierarchyManager } from '../hierarchy-manager/hierarchy-manager.ts';
import type { HierarchyReads } from '../hierarchy-manager/order-desk.ts';
import type { NamedStatus } from '../hierarchy-manager/own-records.ts';
import type { SiteIdentity } from '../hierarchy-manager/site-identity.ts';
import type { ReplicationManager } from '../replication-manager/replication-manager.ts';
import type { TrustedDocuments } from '../hierarchy-manager/trusted-documents.ts';

/** What the top-tier site alone has. */
export interface TopTierPorts {
  readonly downloader: Pick<DmpDownloader, 'checkNow' | 'onProgress' | 'progress'>;
  /** Signs with the hierarchy's operating key; answers the record's body. */
  readonly signOrder: (order: Order) => unknown;
  /** Absent: local applicability only, nothing leaves. */
  readonly outbox?: FactsOutbox;
  /** The vendor is reached by media only. */
  readonly offline?: true;
}

/** Everything that the administrator's operations need of a site. */
export interface OperationsPorts {
  readonly site: SiteIdentity;
  readonly database: SiteDatabase;
  readonly documents: TrustedDocuments;
  readonly hierarchy: HierarchyReads;
  readonly manager: Pick<HierarchyManager, 'evaluate'>;
  readonly distribution: Pick<DistributionManager, 'onProgress' | 'progress'>;
  /** How the links with neighbouring sites fare. */
  readonly links: Pick<ReplicationManager, 'childLinks' | 'query'>;
  /** What the components of this site say at this moment. */
  readonly components: () => readonly NamedStatus[];
  readonly digests: Digests;
  readonly clock: Clock;
  readonly log: Log;
  /** Absent at every other site. */
  readonly topTier?: TopTierPorts;
}
