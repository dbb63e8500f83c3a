import type { ProductId } from '@sallyport/core/shared/ids';
import type { DatabaseBackups } from '../../ports/backups.ts';
import type { Blobs } from '../../ports/blobs.ts';
import type { Machine } from '../../ports/machine.ts';
import type { Releases } from '../../ports/releases.ts';
import type { SiteDatabase } from '../../ports/site-database.ts';
import type { HierarchyReads } from '../hierarchy-manager/order-desk.ts';
import type { NamedStatus } from '../hierarchy-manager/own-records.ts';
import type { SiteIdentity } from '../hierarchy-manager/site-identity.ts';
import type { TrustedDocuments } from '../hierarchy-manager/trusted-documents.ts';
import type { RequestCount } from '../operations/request-counter.ts';
import type { ReplicationManager } from '../replication-manager/replication-manager.ts';
import type { LoggedCount } from './counted-logs.ts';

/** Where a site's facts come from. */
export interface UsageSources {
  readonly site: SiteIdentity;
  /** Version of Sallyport that runs. */
  readonly sallyport: string;
  readonly configuration: {
    readonly products: readonly ProductId[];
    readonly ring: string;
    readonly exchange: 'none' | 'vendor';
    readonly checkIntervalMs: number;
  };
  readonly database: SiteDatabase;
  readonly hierarchy: HierarchyReads;
  readonly documents: Pick<TrustedDocuments, 'view'>;
  readonly releases: Pick<Releases, 'freeBytes' | 'list' | 'products'>;
  readonly blobs: Pick<Blobs, 'list'>;
  readonly backups: Pick<DatabaseBackups, 'list'>;
  readonly machine: Machine;
  readonly links: Pick<ReplicationManager, 'childLinks' | 'query'>;
  /** What all components of this site say of themselves. */
  readonly components: () => readonly NamedStatus[];
  /** What they have logged. */
  readonly logged: () => readonly LoggedCount[];
  /** What was asked of this site server. */
  readonly requests: () => readonly RequestCount[];
}
