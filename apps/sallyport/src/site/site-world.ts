import { entryOf } from '@sallyport/core/domain/sites/roster';
import { hierarchyId, productId, siteCode } from '@sallyport/core/shared/ids';
import { linkKeyName } from '@sallyport/engine/components/hierarchy-identity/create-hierarchy';
import { HierarchyView } from '@sallyport/engine/components/hierarchy-identity/hierarchy-view';
import type { SiteDatabase } from '@sallyport/engine/ports/site-database';
import {
  offlineContent,
  offlineRepository,
} from '@sallyport/engine/components/service-connection/offline-sources';
import { HpkeSealing } from '@sallyport/engine/compute/hpke-sealing';
import type { OfflinePorts, SiteAssembly, Upstream } from '@sallyport/engine/site/site-ports';
import { FileDatabaseBackups } from '@sallyport/engine/storage/files/backups';
import { FileMedium } from '@sallyport/engine/storage/files/file-medium';
import { FolderContentSource } from '@sallyport/engine/storage/files/folder-content';
import { fileArchives } from '@sallyport/engine/storage/files/part-archives';
import { HttpContentSource } from '@sallyport/engine/transport/content-http/content-source';
import { HttpRepository } from '@sallyport/engine/transport/content-http/http-repository';
import { HttpVendorExchange } from '@sallyport/engine/transport/exchange-https/client';
import { mediumRepository } from '@sallyport/engine/transport/exchange-medium/medium-repository';
import { PeerTlsLink } from '@sallyport/engine/transport/peer-tls/peer-tls-link';
import { tlsIdentity, type TlsIdentity } from '@sallyport/engine/transport/peer-tls/tls-identity';
import { Agent } from 'undici';
import type { SiteAdapters } from './adapters.ts';
import { ConfigError, type SiteConfig, type SiteFolders } from './site-config.ts';

/** What a site server stands on: its folders, and the open files behind its ports. */
export interface SiteWorld {
  readonly config: SiteConfig;
  readonly folders: SiteFolders;
  readonly adapters: SiteAdapters;
  readonly database: SiteDatabase;
}

/** A site's configuration and adapters, ready to be put together. */
export interface ConnectedSite {
  readonly assembly: SiteAssembly;
  /** What its links are made with. */
  readonly identity: TlsIdentity;
  /** Ends the connections upward. */
  readonly close: () => Promise<void>;
}

/**
 * Opens a site's way upward, and brings what it is together with what it stands on.
 *
 * @throws {ConfigError} INVALID
 */
export async function connectSite({
  config,
  folders,
  adapters,
  database,
}: SiteWorld): Promise<ConnectedSite> {
  const view = new HierarchyView({ database, check: adapters.check, digestOf: adapters.digests.of });
  const identity = await linkIdentity(adapters, config, view);
  const { upstream, close } = openUpstream(config, adapters, view, identity);
  const assembly: SiteAssembly = {
    site: {
      code: siteCode(config.code),
      type: config.type,
      ...(config.parent === undefined ? {} : { parent: siteCode(config.parent.code) }),
    },
    hierarchyId: hierarchyId(config.hierarchyId),
    products: config.products.map(productId),
    ring: config.ring,
    exchange: config.vendor?.exchange === 'none' ? 'none' : 'vendor',
    checkIntervalMs: config.checkIntervalMs,
    ...(config.vendor?.mode === 'offline' ? { offline: offlinePorts(config.vendor.url) } : {}),
    ports: {
      ...adapters,
      database,
      backups: new FileDatabaseBackups({ folder: folders.backup, database }),
    },
    view,
    upstream,
  };
  return { assembly, identity, close };
}

async function linkIdentity(
  { vault, keys }: SiteAdapters,
  config: SiteConfig,
  view: HierarchyView,
): Promise<TlsIdentity> {
  const secret = await vault.load(linkKeyName);
  if (secret === undefined) {
    throw new ConfigError(
      'INVALID',
      `the link key of site ${config.code} is missing from its vault: restore the folder "keys" from a backup`,
    );
  }
  const known = entryOf(view.current().roster, siteCode(config.code));
  if (known !== undefined && known.key !== keys.open(secret).publicKey) {
    throw new ConfigError(
      'INVALID',
      `the link key in the folder "keys" is not the one by which the hierarchy knows site ${config.code}: put that folder back from a backup of this site; where there is none, revoke the site and set it up anew under another site code`,
    );
  }
  return tlsIdentity(secret, config.code);
}

/** How media and request files are read and written on this machine. */
function offlinePorts(vendorUrl: string): OfflinePorts {
  return {
    archives: fileArchives,
    openMedium: (folder) => {
      const medium = new FileMedium(folder);
      return {
        folder: medium,
        repository: mediumRepository(medium),
        content: new FolderContentSource(folder),
      };
    },
    sealing: new HpkeSealing(),
    vendorUrl,
  };
}

function openUpstream(
  { code: site, parent, vendor }: SiteConfig,
  { clock }: SiteAdapters,
  view: HierarchyView,
  identity: TlsIdentity,
): { readonly upstream: Upstream; readonly close: () => Promise<void> } {
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
    return {
      upstream: { repository: link.repository, content: link.content, link },
      close: () => link.close(),
    };
  }
  if (vendor === undefined)
    throw new ConfigError('INVALID', `site ${site} has neither a parent nor a vendor: set it up anew`);
  if (vendor.mode === 'offline')
    return {
      upstream: { repository: offlineRepository, content: offlineContent },
      close: async () => undefined,
    };
  const base = vendor.url.endsWith('/') ? vendor.url : `${vendor.url}/`;
  const dispatcher = new Agent();
  return {
    upstream: {
      repository: new HttpRepository({
        metadataUrl: `${base}metadata/`,
        targetsUrl: `${base}targets/`,
        dispatcher,
      }),
      content: new HttpContentSource({ baseUrl: base, dispatcher, clock }),
      ...(vendor.exchange === 'cloud' ? { vendor: new HttpVendorExchange({ baseUrl: vendor.url }) } : {}),
    },
    close: () => dispatcher.destroy(),
  };
}
