import { entryOf } from '@sallyport/core/domain/sites/roster';
import type { HierarchyId, ProductId } from '@sallyport/core/shared/ids';
import { PackageFetcher } from '@sallyport/engine/components/content/package-fetcher';
import { linkKeyName } from '@sallyport/engine/components/hierarchy-identity/create-hierarchy';
import { HierarchyView } from '@sallyport/engine/components/hierarchy-identity/hierarchy-view';
import type { SiteIdentity } from '@sallyport/engine/components/hierarchy-manager/site-identity';
import type { SiteOperations } from '@sallyport/engine/components/operations/operations';
import { nodeDigests } from '@sallyport/engine/compute/digest';
import { checkOnce } from './known-signatures.ts';
import type { Clock } from '@sallyport/engine/ports/clock';
import type { Log } from '@sallyport/engine/ports/log';
import type { Processes } from '@sallyport/engine/ports/process';
import { siteOperations } from '@sallyport/engine/site/site-operations';
import { buildSiteParts, type SiteParts } from '@sallyport/engine/site/site-parts';
import type { SiteAssembly, SitePorts, Upstream } from '@sallyport/engine/site/site-ports';
import { BlobContentSource } from '@sallyport/engine/storage/memory/content-source';
import type { SiteStorage } from '../disk/site-disk.ts';
import { seededKeys } from '../vendor/seeded-keys.ts';
import type { Chance } from '../world/chance.ts';
import type { Network } from '../world/network.ts';
import { type Victim, withCrashPoints } from './crash-points.ts';
import type { LinkServer } from './link-line.ts';
import { noSealing } from './no-sealing.ts';
import { sameMachine } from './same-machine.ts';
import { SimLink } from './sim-link.ts';
import { type NearVendor, overNetwork } from './vendor-line.ts';

/** What a site server is started with. */
export interface SiteSettings {
  readonly site: SiteIdentity;
  readonly hierarchyId: HierarchyId;
  readonly products: readonly ProductId[];
  /** The parent's key as set-up was told it. */
  readonly parentKey?: string;
}

/** What surrounds the process of a site. */
export interface Surroundings {
  readonly storage: SiteStorage;
  readonly victim: Victim;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly network: Network;
  readonly vendor: NearVendor;
  readonly processes: Processes;
  readonly logs: { of(component: string): Log };
  readonly parentServer: () => LinkServer | undefined;
  readonly times: NonNullable<SiteAssembly['times']>;
}

/** A running site server. */
export interface SiteProcess {
  readonly database: SitePorts['database'];
  readonly parts: SiteParts;
  readonly operations: SiteOperations;
  readonly server: LinkServer;
}

/** The ports of a site's process, every call of them a place where it may be cut off. */
export function portsOf({ storage, victim, clock, chance, processes, logs }: Surroundings): SitePorts {
  const at = <T extends object>(port: string, real: T): T => withCrashPoints(port, real, victim);
  const blobs = at('blobs', storage.blobs);
  const compute = at('compute', storage.compute);
  return {
    clock,
    random: chance,
    digests: nodeDigests,
    check: checkOnce,
    keys: seededKeys(chance),
    sealing: noSealing,
    vault: at('vault', storage.vault),
    logs,
    database: at('database', storage.database),
    blobs,
    compute,
    fetcher: new PackageFetcher({
      blobs,
      compute,
      clock,
      random: chance,
      log: logs.of('SMS_DISTRIBUTION_MANAGER'),
    }),
    trust: at('trust', storage.trust),
    releases: at('releases', storage.releases),
    processes: at('processes', processes),
    scratch: at('scratch', storage.scratch),
    backups: at('backups', storage.backups),
    platform: { node: '/usr/bin/node', nodeVersion: '24.0.0', os: 'linux', arch: 'x64' },
    machine: sameMachine,
  };
}

/** Puts a site server together, as the program that ships does, and starts it. */
export async function startSite(settings: SiteSettings, around: Surroundings): Promise<SiteProcess> {
  const ports = portsOf(around);
  const { site } = settings;
  const view = new HierarchyView({
    database: ports.database,
    check: ports.check,
    digestOf: ports.digests.of,
  });
  const secret = await ports.vault.load(linkKeyName);
  if (secret === undefined) throw new RangeError(`the link key of ${site.code} is gone`);
  const { publicKey } = ports.keys.open(secret);
  const assembly: SiteAssembly = {
    ...settings,
    ring: 'general',
    exchange: 'vendor',
    times: around.times,
    ports,
    view,
    upstream: upstreamOf(settings, around, view, publicKey),
  };
  const parts = await buildSiteParts(assembly);
  const operations = siteOperations(assembly, parts);
  await parts.executive.start();
  const server: LinkServer = {
    life: around.victim.life,
    handler: parts.replicationManager.children,
    content: new BlobContentSource(`site ${site.code}`, ports.blobs),
    repository: parts.repository,
    key: publicKey,
  };
  return { database: ports.database, parts, operations, server };
}

function upstreamOf(
  { site, parentKey = '' }: SiteSettings,
  { network, victim, vendor, parentServer }: Surroundings,
  view: HierarchyView,
  childKey: string,
): Upstream {
  const { parent } = site;
  if (parent === undefined) {
    const far = overNetwork(vendor, { network, from: site.code, caller: victim.life });
    return {
      repository: withCrashPoints('vendor-repository', far.repository, victim),
      content: withCrashPoints('vendor-content', far.content, victim),
      vendor: withCrashPoints('vendor-exchange', far.exchange, victim),
    };
  }
  const link = new SimLink({
    network,
    child: site.code,
    life: victim.life,
    childKey,
    parent,
    parentKey: () => entryOf(view.current().roster, parent)?.key ?? parentKey,
    server: parentServer,
  });
  return {
    repository: withCrashPoints('link-repository', link.repository, victim),
    content: withCrashPoints('link-content', link.content, victim),
    link: withCrashPoints('link', link, victim),
  };
}
