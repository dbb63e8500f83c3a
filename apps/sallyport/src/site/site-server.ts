import type { SettingReads } from '@sallyport/engine/ports/site-database';
import { siteCode } from '@sallyport/core/shared/ids';
import { buildSiteParts } from '@sallyport/engine/site/site-parts';
import { lockFolder } from '@sallyport/engine/storage/files/folder-lock';
import { serveLocalApi } from '@sallyport/engine/transport/console-api/server';
import { localSocketPath } from '@sallyport/engine/transport/console-api/socket-path';
import { PeerTlsServer } from '@sallyport/engine/transport/peer-tls/peer-tls-server';
import { openAdapters, openDatabase } from './adapters.ts';
import { bindLink, type LinkAddress } from './link-address.ts';
import { readSiteConfig, siteFolders, type SiteConfig } from './site-config.ts';
import { siteApi } from './site-api.ts';
import { connectSite, type SiteWorld } from './site-world.ts';

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
    const database = openDatabase(folders, siteCode(config.code), adapters);
    undo.push(() => database.close());
    const world: SiteWorld = { config, folders, adapters, database };
    const { assembly, identity, close: disconnect } = await connectSite(world);
    undo.push(disconnect);
    const parts = await buildSiteParts(assembly);
    undo.push(() => parts.close());
    const { executive } = parts;
    let link: LinkAddress | undefined;
    if (config.link !== undefined) {
      const server = new PeerTlsServer({
        identity,
        handler: parts.replicationManager.children,
        blobs: adapters.blobs,
        repository: parts.repository,
        log: adapters.logs.of('SMS_REPLICATION_MANAGER'),
      });
      undo.push(() => server.close());
      link = await listen(server, world, config.link);
    }
    const api = await serveLocalApi(siteApi(assembly, parts, link), localSocketPath(folders.data));
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
