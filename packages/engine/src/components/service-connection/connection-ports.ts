import type { HierarchyId, ProductId } from '@sallyport/core/shared/ids';
import type { EnvelopeJson } from '@sallyport/core/wire/signed-document';
import type { SignatureCheck } from '@sallyport/core/domain/trust/key';
import type { Blobs } from '../../ports/blobs.ts';
import type { Clock } from '../../ports/clock.ts';
import type { ContentSource } from '../../ports/content-source.ts';
import type { Digests } from '../../ports/digests.ts';
import type { Log } from '../../ports/log.ts';
import type { MediumFolder, PartArchives } from '../../ports/media.ts';
import type { OutgoingEnvelopes } from '../../ports/outgoing-envelopes.ts';
import type { Releases } from '../../ports/releases.ts';
import type { RepositorySource } from '../../ports/repository.ts';
import type { Sealing } from '../../ports/sealing.ts';
import type { SiteDatabase } from '../../ports/site-database.ts';
import type { TrustStore } from '../../ports/trust-store.ts';
import type { HierarchySetting } from '../hierarchy-identity/hierarchy-setting.ts';
import type { TrustedDocuments } from '../hierarchy-manager/trusted-documents.ts';
import type { DmpDownloader } from '../dmp-downloader/downloader.ts';
import type { FactsOutbox } from '../dmp-downloader/facts-outbox.ts';

/** A medium as it lies in a folder. Nothing that comes out of it is believed. */
export interface OpenMedium {
  readonly folder: MediumFolder;
  readonly repository: RepositorySource;
  readonly content: ContentSource;
}

/** What a site needs to exchange by media. */
export interface ConnectionPorts {
  readonly hierarchyId: HierarchyId;
  readonly products: readonly ProductId[];
  /** Where the vendor's cloud is, for the courier. */
  readonly vendorUrl: string;
  /** False: local applicability only, nothing leaves and no offer is needed. */
  readonly reports: boolean;
  readonly database: SiteDatabase;
  readonly documents: TrustedDocuments;
  readonly identity: () => Pick<HierarchySetting, 'hierarchyId' | 'operatingKey'>;
  readonly sign: (payloadType: string, payload: Uint8Array) => EnvelopeJson;
  readonly outgoing: OutgoingEnvelopes;
  /** Whose report an offer must answer. */
  readonly outbox: Pick<FactsOutbox, 'newest' | 'isCurrent'>;
  readonly downloader: Pick<DmpDownloader, 'contentCame'>;
  readonly archives: PartArchives;
  readonly openMedium: (folder: string) => OpenMedium;
  readonly sealing: Sealing;
  readonly blobs: Blobs;
  readonly trust: TrustStore;
  readonly tufVersions: () => Promise<Readonly<Record<string, number>>>;
  readonly releases: Releases;
  readonly check: SignatureCheck;
  readonly digests: Digests;
  readonly clock: Clock;
  /** `Dmpdownloader.log`: what comes and goes is the role's. */
  readonly log: Log;
}
