import { entryOf } from '@sallyport/core/domain/sites/roster';
import type { ServiceWindow } from '@sallyport/core/domain/updates/service-window';
import { hierarchyId, productId, siteCode } from '@sallyport/core/shared/ids';
import { payloadTypes, signDocument } from '@sallyport/core/wire/signed-document';
import { DistributionManager } from '@sallyport/engine/components/distribution-manager/distribution-manager';
import { DmpDownloader } from '@sallyport/engine/components/dmp-downloader/downloader';
import { FactsOutbox } from '@sallyport/engine/components/dmp-downloader/facts-outbox';
import {
  linkKeyName,
  operatingKeyName,
} from '@sallyport/engine/components/hierarchy-identity/create-hierarchy';
import { HierarchyAuthority } from '@sallyport/engine/components/hierarchy-identity/hierarchy-authority';
import { HierarchyView } from '@sallyport/engine/components/hierarchy-identity/hierarchy-view';
import { JoinDesk } from '@sallyport/engine/components/hierarchy-identity/join-desk';
import { HierarchyManager } from '@sallyport/engine/components/hierarchy-manager/hierarchy-manager';
import type { NamedStatus } from '@sallyport/engine/components/hierarchy-manager/own-records';
import { TrustedPackageCatalogue } from '@sallyport/engine/components/hierarchy-manager/package-catalogue';
import { TrustedPackageGate } from '@sallyport/engine/components/hierarchy-manager/package-gate';
import type { SiteIdentity } from '@sallyport/engine/components/hierarchy-manager/site-identity';
import { TrustedDocuments } from '@sallyport/engine/components/hierarchy-manager/trusted-documents';
import { PeerVersions } from '@sallyport/engine/components/trust/peer-versions';
import { ReplicationManager } from '@sallyport/engine/components/replication-manager/replication-manager';
import { UpdateInstaller } from '@sallyport/engine/components/update-installer/update-installer';
import type { SettingReads, SiteDatabase } from '@sallyport/engine/ports/site-database';
import { FileDatabaseBackups } from '@sallyport/engine/storage/files/backups';
import { HttpContentSource } from '@sallyport/engine/transport/content-http/content-source';
import { HttpRepository } from '@sallyport/engine/transport/content-http/http-repository';
import { HttpVendorExchange } from '@sallyport/engine/transport/exchange-https/client';
import { PeerTlsLink } from '@sallyport/engine/transport/peer-tls/peer-tls-link';
import { tlsIdentity, type TlsIdentity } from '@sallyport/engine/transport/peer-tls/tls-identity';
import { Agent } from 'undici';
import type { SiteAdapters } from './adapters.ts';
import { ConfigError, type SiteConfig, type SiteFolders } from './site-config.ts';

/** The setting that holds a site's service windows. */
export const windowsSetting = 'windows';

export function readWindows(settings: SettingReads): readonly ServiceWindow[] {
  return (settings.get(windowsSetting) as readonly ServiceWindow[] | undefined) ?? [];
}

/** What a site server is put together from. */
export interface SiteWorld {
  readonly config: SiteConfig;
  readonly folders: SiteFolders;
  readonly adapters: SiteAdapters;
  readonly database: SiteDatabase;
  /** What all components say of themselves; asked only once they run. */
  readonly components: () => readonly NamedStatus[];
}

export type SiteParts = Awaited<ReturnType<typeof buildParts>>;

/** Builds a site's components and hands them their ports. Nothing runs yet. */
export async function buildParts(world: SiteWorld) {
  const { config, folders, adapters, database } = world;
  const { logs, clock, random, digests, check, blobs, trust, fetcher, releases } = adapters;
  const site: SiteIdentity = {
    code: siteCode(config.code),
    type: config.type,
    ...(config.parent === undefined ? {} : { parent: siteCode(config.parent.code) }),
  };
  const view = new HierarchyView({ database, check, digestOf: digests.of });
  const identity = await linkIdentity(adapters, config);
  const upstream = openUpstream(world, view, identity);
  const documents = new TrustedDocuments({
    database,
    blobs,
    trust,
    check,
    digests,
    clock,
    log: logs.of('SMS_HIERARCHY_MANAGER'),
    products: config.products.map(productId),
    source: upstream.repository,
    content: upstream.content,
  });
  const topTier = config.parent === undefined ? await topTierParts(world, site, view) : undefined;
  const hierarchyManager = new HierarchyManager({
    site,
    database,
    documents,
    hierarchy: view,
    releases,
    digests,
    clock,
    random,
    log: logs.of('SMS_HIERARCHY_MANAGER'),
    platform: { os: adapters.platform.os, arch: adapters.platform.arch },
    ring: config.ring,
    exchange: config.vendor?.exchange === 'none' ? 'none' : 'vendor',
    components: world.components,
  });
  const distributionManager = new DistributionManager({
    site,
    database,
    documents,
    fetcher,
    content: upstream.content,
    clock,
    random,
    log: logs.of('SMS_DISTRIBUTION_MANAGER'),
  });
  const ending = new AbortController();
  const peerVersions = new PeerVersions({
    trust,
    clock,
    log: logs.of('SMS_HIERARCHY_MANAGER'),
    refresh: (signal) => documents.refresh(signal),
  });
  const replicationManager = new ReplicationManager({
    site: site.code,
    database,
    view,
    digests,
    clock,
    random,
    log: logs.of('SMS_REPLICATION_MANAGER'),
    ...(upstream.link === undefined || site.parent === undefined
      ? {}
      : { parent: { site: site.parent, link: upstream.link } }),
    ...(topTier === undefined ? {} : { topTier }),
    tufVersions: () => peerVersions.own(),
    onPeerTufVersions: (versions) => {
      // Only the end of the site server rejects it.
      void peerVersions.heard(versions, ending.signal).catch(() => undefined);
    },
  });
  const gate = new TrustedPackageGate({ site, documents, clock, log: logs.of('SMS_HIERARCHY_MANAGER') });
  const catalogue = new TrustedPackageCatalogue({ documents, blobs });
  const updateInstaller = new UpdateInstaller(
    {
      ...adapters,
      log: logs.of('CONFIGURATION_MANAGER_UPDATE'),
      database,
      backups: new FileDatabaseBackups({ folder: folders.backup, database }),
      catalogue,
      gate,
      windows: () => database.read(({ settings }) => readWindows(settings)),
    },
    { site, platform: adapters.platform },
  );
  const outbox =
    topTier &&
    new FactsOutbox({
      site,
      database,
      roster: () => view.current().roster,
      signFacts: (payload) => signDocument(payloadTypes.facts, payload, topTier.signer),
      digests,
      clock,
      ring: config.ring,
    });
  const downloader =
    outbox &&
    new DmpDownloader({
      site,
      database,
      documents,
      fetcher,
      content: upstream.content,
      hierarchyId: () => hierarchyId(config.hierarchyId),
      check,
      digests,
      clock,
      random,
      log: logs.of('SMS_DMP_DOWNLOADER'),
      intervalMs: config.checkIntervalMs,
      ...(config.vendor?.exchange === 'cloud'
        ? {
            reporting: {
              vendor: new HttpVendorExchange({ baseUrl: config.vendor.url }),
              outbox,
              statement: () => view.current().documents.operatingKey,
            },
          }
        : {}),
    });
  return {
    site,
    view,
    identity,
    documents,
    catalogue,
    topTier,
    outbox,
    downloader,
    hierarchyManager,
    distributionManager,
    replicationManager,
    updateInstaller,
    close: () => {
      ending.abort(new Error('the site server stops'));
      return upstream.close();
    },
  };
}

async function linkIdentity({ vault }: SiteAdapters, config: SiteConfig): Promise<TlsIdentity> {
  const secret = await vault.load(linkKeyName);
  if (secret === undefined) {
    throw new ConfigError(
      'INVALID',
      `the link key of site ${config.code} is missing from its vault: restore the folder "keys" from a backup`,
    );
  }
  return tlsIdentity(secret, config.code);
}

async function topTierParts({ adapters, database }: SiteWorld, { code }: SiteIdentity, view: HierarchyView) {
  const { vault, keys, clock, random, digests, logs } = adapters;
  const name = operatingKeyName(view.current().statement.sequence);
  const secret = await vault.load(name);
  if (secret === undefined) {
    throw new ConfigError(
      'INVALID',
      `the operating key "${name}" is missing from the vault of site ${code}: restore the folder "keys" from a backup, or sign a successor with the recovery key`,
    );
  }
  const signer = keys.open(secret);
  const log = logs.of('SMS_HIERARCHY_MANAGER');
  const authority = new HierarchyAuthority({ database, view, site: code, signer, clock, log });
  const desk = new JoinDesk({ database, view, authority, keys, digests, clock, random, log });
  return { authority, desk, signer };
}

/** Where this site's metadata and content come from: its parent's link, or at the top the vendor. */
function openUpstream({ config, adapters }: SiteWorld, view: HierarchyView, identity: TlsIdentity) {
  const { clock } = adapters;
  const { parent, vendor } = config;
  if (parent !== undefined) {
    const code = siteCode(parent.code);
    const host = parent.host.includes(':') ? `[${parent.host}]` : parent.host;
    const link = new PeerTlsLink({
      parent: code,
      address: `${host}:${parent.port}`,
      parentKey: () => entryOf(view.current().roster, code)?.key ?? parent.key,
      identity,
      clock,
    });
    return { repository: link.repository, content: link.content, link, close: () => link.close() };
  }
  if (vendor === undefined)
    throw new ConfigError('INVALID', `site ${config.code} has neither a parent nor a vendor: set it up anew`);
  const base = vendor.url.endsWith('/') ? vendor.url : `${vendor.url}/`;
  const dispatcher = new Agent();
  return {
    repository: new HttpRepository({
      metadataUrl: `${base}metadata/`,
      targetsUrl: `${base}targets/`,
      dispatcher,
    }),
    content: new HttpContentSource({ baseUrl: base, dispatcher, clock }),
    link: undefined,
    close: () => dispatcher.destroy(),
  };
}
