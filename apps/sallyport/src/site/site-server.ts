import type { SettingReads } from '@sallyport/engine/ports/site-database';
import { siteCode } from '@sallyport/core/shared/ids';
import { StoreRepository } from '@sallyport/engine/components/trust/store-repository';
import { Executive, type SupervisedStatus } from '@sallyport/engine/executive/executive';
import { lockFolder } from '@sallyport/engine/storage/files/folder-lock';
import { serveLocalApi } from '@sallyport/engine/transport/console-api/server';
import { localSocketPath } from '@sallyport/engine/transport/console-api/socket-path';
import { blobTargets } from '@sallyport/engine/transport/peer-tls/blob-targets';
import { PeerTlsServer } from '@sallyport/engine/transport/peer-tls/peer-tls-server';
import { openAdapters, openDatabase } from './adapters.ts';
import { bindLink, type LinkAddress } from './link-address.ts';
import { readSiteConfig, siteFolders, type SiteConfig } from './site-config.ts';
import { siteApi } from './site-api.ts';
import { buildParts, type SiteParts, type SiteWorld } from './site-parts.ts';

/** A site server at work. */
export interface SiteServer {
  readonly config: SiteConfig;
  readonly socketPath: string;
  /** Where children dial in, at a site that may have some. */
  readonly link: LinkAddress | undefined;
  /** Stops everything in order. Answers the names of components that would not stop. */
  close(): Promise<readonly string[]>;
}

/** The setting that keeps the port which was free at the first start: children have it in their configuration. */
const linkPortSetting = 'link-port';

/**
 * Starts the site server of a data folder.
 *
 * @param structured where structured log lines go
 * @throws {ConfigError} also CANNOT_LISTEN; {StorageError} FOLDER_IN_USE when another server holds the folder
 */
export async function startSiteServer(
  dataFolder: string,
  structured?: NodeJS.WritableStream,
): Promise<SiteServer> {
  const config = readSiteConfig(dataFolder);
  const folders = siteFolders(dataFolder);
  const undo: (() => unknown)[] = [];
  const close = async (): Promise<void> => {
    for (const step of undo.splice(0).toReversed()) await step();
  };
  try {
    const lock = lockFolder(folders.data);
    undo.push(() => lock.release());
    const adapters = await openAdapters(folders, structured === undefined ? {} : { structured });
    undo.push(() => adapters.close());
    const database = openDatabase(folders, siteCode(config.code), adapters.digests);
    undo.push(() => database.close());
    let statuses: () => readonly SupervisedStatus[] = () => [];
    const world: SiteWorld = { config, folders, adapters, database, components: () => statuses() };
    const parts = await buildParts(world);
    undo.push(() => parts.close());
    const executive = executiveOf(world, parts);
    statuses = () => executive.query();
    let link: LinkAddress | undefined;
    if (config.link !== undefined) {
      const server = linkServer(world, parts);
      undo.push(() => server.close());
      link = await listen(server, world, config.link);
    }
    const api = await serveLocalApi(siteApi(world, parts, link), localSocketPath(folders.data));
    undo.push(() => api.close());
    let leftBehind: readonly string[] = [];
    undo.push(async () => {
      leftBehind = await executive.stop();
    });
    await executive.start();
    return {
      config,
      socketPath: api.socketPath,
      link,
      close: async () => {
        await close();
        return leftBehind;
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function executiveOf({ adapters }: SiteWorld, parts: SiteParts): Executive {
  const { downloader, hierarchyManager, distributionManager, replicationManager, updateInstaller } = parts;
  return new Executive({
    clock: adapters.clock,
    random: adapters.random,
    log: adapters.logs.of('SMS_EXECUTIVE'),
    // Whoever records what others build on comes first.
    components: [
      hierarchyManager,
      replicationManager,
      distributionManager,
      updateInstaller,
      ...(downloader === undefined ? [] : [downloader]),
    ],
  });
}

function linkServer(
  { adapters, config }: SiteWorld,
  { identity, replicationManager }: SiteParts,
): PeerTlsServer {
  const { blobs, trust, logs } = adapters;
  return new PeerTlsServer({
    identity,
    handler: replicationManager.children,
    blobs,
    repository: new StoreRepository(`site ${config.code}`, trust, blobTargets(blobs)),
    log: logs.of('SMS_REPLICATION_MANAGER'),
  });
}

async function listen(
  server: PeerTlsServer,
  { database }: SiteWorld,
  wanted: LinkAddress,
): Promise<LinkAddress> {
  const kept = database.read(({ settings }) => keptPort(settings));
  const asked = { host: wanted.host, port: wanted.port === 0 ? kept : wanted.port };
  const address = await bindLink(server, asked);
  if (wanted.port === 0 && address.port !== kept)
    database.write(({ settings }) => settings.put(linkPortSetting, address.port));
  return address;
}

function keptPort(settings: SettingReads): number {
  const port = settings.get(linkPortSetting);
  return typeof port === 'number' ? port : 0;
}
