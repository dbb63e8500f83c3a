import type { SignatureCheck } from '@sallyport/core/domain/trust/key';
import type { HierarchyId, ProductId } from '@sallyport/core/shared/ids';
import type { PackageFetcher } from '../components/content/package-fetcher.ts';
import type { HierarchyView } from '../components/hierarchy-identity/hierarchy-view.ts';
import type { ManagerTimes } from '../components/hierarchy-manager/hierarchy-manager.ts';
import type { SiteIdentity } from '../components/hierarchy-manager/site-identity.ts';
import type { LinkTimes } from '../components/replication-manager/child-side.ts';
import type { ConnectionPorts } from '../components/service-connection/connection-ports.ts';
import type { SitePlatform } from '../components/update-installer/ports.ts';
import type { CollectorTimes } from '../components/usage-collector/usage-collector.ts';
import type { DatabaseBackups } from '../ports/backups.ts';
import type { Blobs } from '../ports/blobs.ts';
import type { Clock } from '../ports/clock.ts';
import type { Compute } from '../ports/compute.ts';
import type { ContentSource } from '../ports/content-source.ts';
import type { Digests } from '../ports/digests.ts';
import type { Keys } from '../ports/keys.ts';
import type { Log } from '../ports/log.ts';
import type { Machine } from '../ports/machine.ts';
import type { ParentLink } from '../ports/parent-link.ts';
import type { Processes } from '../ports/process.ts';
import type { Random } from '../ports/random.ts';
import type { Releases } from '../ports/releases.ts';
import type { RepositorySource } from '../ports/repository.ts';
import type { Sealing } from '../ports/sealing.ts';
import type { ScratchFolders } from '../ports/scratch.ts';
import type { SiteDatabase } from '../ports/site-database.ts';
import type { TrustStore } from '../ports/trust-store.ts';
import type { Vault } from '../ports/vault.ts';
import type { VendorExchange } from '../ports/vendor-exchange.ts';

/** Everything that a site server needs of the machine it runs on. Whoever composes it builds the adapters. */
export interface SitePorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly digests: Digests;
  readonly check: SignatureCheck;
  readonly keys: Keys;
  readonly sealing: Sealing;
  readonly vault: Vault;
  /** The log of each component, by its name. */
  readonly logs: { of(component: string): Log };
  readonly database: SiteDatabase;
  readonly blobs: Blobs;
  readonly compute: Compute;
  readonly fetcher: PackageFetcher;
  readonly trust: TrustStore;
  readonly releases: Releases;
  readonly processes: Processes;
  readonly scratch: ScratchFolders;
  readonly backups: DatabaseBackups;
  readonly platform: SitePlatform;
  readonly machine: Machine;
}

/** Where a site's metadata and content come from: its parent's link, or at the top the vendor. */
export interface Upstream {
  readonly repository: RepositorySource;
  readonly content: ContentSource;
  /** The parent's link; absent at the top-tier site. */
  readonly link?: ParentLink;
  /** The vendor's exchange; absent below the top, and where local applicability is all there is. */
  readonly vendor?: VendorExchange;
}

/** How an offline top-tier site reads media and writes request files. */
export interface OfflinePorts extends Pick<
  ConnectionPorts,
  'archives' | 'openMedium' | 'sealing' | 'vendorUrl'
> {}

/** What a site server is put together from. */
export interface SiteAssembly {
  readonly site: SiteIdentity;
  readonly hierarchyId: HierarchyId;
  readonly products: readonly ProductId[];
  readonly ring: string;
  /** `none`: a static repository, local applicability only. */
  readonly exchange: 'none' | 'vendor';
  /** Longest time between two exchanges with the vendor. */
  readonly checkIntervalMs?: number;
  /** The vendor is reached by media only; how those are read and written. */
  readonly offline?: OfflinePorts;
  /** How often it looks at what nothing wakes it for; for a world in which other times count. */
  readonly times?: CollectorTimes & LinkTimes & ManagerTimes;
  readonly ports: SitePorts;
  /** The hierarchy as the site's own database has it. */
  readonly view: HierarchyView;
  readonly upstream: Upstream;
}
