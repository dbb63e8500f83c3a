import { sallyportVersion } from '@sallyport/core/shared/release';
import { payloadTypes, signDocument } from '@sallyport/core/wire/signed-document';
import { DistributionManager } from '../components/distribution-manager/distribution-manager.ts';
import { LibraryCare } from '../components/distribution-manager/library-care.ts';
import { defaultCheckIntervalMs, DmpDownloader } from '../components/dmp-downloader/downloader.ts';
import { FactsOutbox } from '../components/dmp-downloader/facts-outbox.ts';
import { operatingKeyName } from '../components/hierarchy-identity/create-hierarchy.ts';
import { HierarchyAuthority } from '../components/hierarchy-identity/hierarchy-authority.ts';
import { JoinDesk } from '../components/hierarchy-identity/join-desk.ts';
import { HierarchyManager } from '../components/hierarchy-manager/hierarchy-manager.ts';
import type { LinkProblem, NamedStatus } from '../components/hierarchy-manager/own-records.ts';
import { TrustedPackageCatalogue } from '../components/hierarchy-manager/package-catalogue.ts';
import { TrustedPackageGate } from '../components/hierarchy-manager/package-gate.ts';
import { TrustedDocuments } from '../components/hierarchy-manager/trusted-documents.ts';
import { ReplicationManager } from '../components/replication-manager/replication-manager.ts';
import { RequestCounter } from '../components/operations/request-counter.ts';
import { mediaMaxAgeMs } from '../components/service-connection/media-policy.ts';
import {
  Introduction,
  outgoingFacts,
  outgoingReports,
  together,
} from '../components/service-connection/outgoing.ts';
import { ServiceConnection } from '../components/service-connection/service-connection.ts';
import { blobTargets } from '../components/trust/blob-targets.ts';
import { KnownMetadata } from '../components/trust/known-metadata.ts';
import { PeerVersions } from '../components/trust/peer-versions.ts';
import { StoreRepository } from '../components/trust/store-repository.ts';
import { readWindows } from '../components/update-installer/service-windows.ts';
import { UpdateInstaller } from '../components/update-installer/update-installer.ts';
import { CountedLogs } from '../components/usage-collector/counted-logs.ts';
import { UsageCollector } from '../components/usage-collector/usage-collector.ts';
import { nameHash } from '../components/usage-reports/name-hash.ts';
import { ReportDesk } from '../components/usage-reports/report-desk.ts';
import { Executive } from '../executive/executive.ts';
import { SiteError } from './site-error.ts';
import type { SiteAssembly } from './site-ports.ts';

/** A site's components and what stands between them. */
export type SiteParts = Awaited<ReturnType<typeof buildSiteParts>>;

/**
 * Builds a site's components, hands them their ports, and puts them under the executive. Nothing runs yet.
 *
 * @throws {SiteError} KEY_MISSING when the top-tier site's vault lacks the operating key
 */
export async function buildSiteParts(given: SiteAssembly) {
  const logs = new CountedLogs(given.ports.logs);
  const assembly: SiteAssembly = { ...given, ports: { ...given.ports, logs } };
  const { site, ports, view, upstream } = assembly;
  const { clock, random, digests, check, database, blobs, trust, fetcher, releases } = ports;
  const times = assembly.times === undefined ? {} : { times: assembly.times };
  let statuses: () => readonly NamedStatus[] = () => [];
  let linkProblems: () => readonly LinkProblem[] = () => [];
  const metadata = new KnownMetadata({ check });
  const documents = new TrustedDocuments({
    database,
    blobs,
    trust,
    check,
    metadata,
    digests,
    clock,
    log: logs.of('SMS_HIERARCHY_MANAGER'),
    products: assembly.products,
    source: upstream.repository,
    content: upstream.content,
    stalenessMs: () => mediaMaxAgeMs(database),
  });
  const topTier = site.parent === undefined ? await topTierParts(assembly) : undefined;
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
    platform: { os: ports.platform.os, arch: ports.platform.arch },
    ring: assembly.ring,
    exchange: assembly.exchange,
    components: () => statuses(),
    linkProblems: () => linkProblems(),
    ...times,
  });
  const distributionManager = new DistributionManager({
    site,
    database,
    documents,
    fetcher,
    content: upstream.content,
    care: new LibraryCare({
      ...ports,
      site,
      hierarchy: view,
      documents,
      content: upstream.content,
      log: logs.of('SMS_DISTRIBUTION_MANAGER'),
    }),
    clock,
    random,
    log: logs.of('SMS_DISTRIBUTION_MANAGER'),
  });
  const ending = new AbortController();
  const peerVersions = new PeerVersions({
    trust,
    metadata,
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
    ...times,
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
      ...ports,
      log: logs.of('CONFIGURATION_MANAGER_UPDATE'),
      catalogue,
      gate,
      windows: () => database.read(({ settings }) => readWindows(settings)),
    },
    { site, platform: ports.platform },
  );
  const { outbox, reports, downloader } = downloaderOf(assembly, documents, topTier);
  const requests = new RequestCounter();
  const usageCollector = new UsageCollector({
    ...ports,
    site,
    sallyport: sallyportVersion,
    configuration: {
      products: assembly.products,
      ring: assembly.ring,
      exchange: assembly.exchange,
      checkIntervalMs: assembly.checkIntervalMs ?? defaultCheckIntervalMs,
    },
    hierarchy: view,
    documents,
    links: replicationManager,
    components: () => statuses(),
    logged: () => logs.counts(),
    requests: () => requests.counts(),
    log: logs.of('SMS_USAGE_COLLECTOR'),
    ...times,
  });
  const connection = connectionOf(
    assembly,
    documents,
    topTier,
    { outbox, reports, downloader, peerVersions },
    ending.signal,
  );
  const executive = new Executive({
    clock,
    random,
    log: logs.of('SMS_EXECUTIVE'),
    // Whoever records what others build on comes first.
    components: [
      hierarchyManager,
      replicationManager,
      distributionManager,
      updateInstaller,
      ...(downloader === undefined ? [] : [downloader]),
      usageCollector,
    ],
  });
  statuses = () => executive.query();
  linkProblems = () =>
    replicationManager
      .childLinks()
      .flatMap(({ site: child, problem }) => (problem === undefined ? [] : [{ site: child, problem }]));
  return {
    site,
    view,
    documents,
    catalogue,
    topTier,
    outbox,
    reports,
    downloader,
    connection,
    hierarchyManager,
    distributionManager,
    replicationManager,
    updateInstaller,
    usageCollector,
    executive,
    /** What components log, counted. */
    logs,
    /** What is asked of this site server is counted here. */
    requests,
    /** The vendor's metadata and targets as this site has them, for its children. */
    repository: new StoreRepository(`site ${site.code}`, trust, blobTargets(blobs)),
    /** Ends what goes on beside the components; after the executive has stopped. */
    close: (): void => ending.abort(new Error('the site server stops')),
  };
}

type TopTier = NonNullable<Awaited<ReturnType<typeof topTierParts>>>;

/** What the top-tier site alone has: the way to the vendor. */
function downloaderOf(
  { site, ports, view, upstream, ...assembly }: SiteAssembly,
  documents: TrustedDocuments,
  topTier: TopTier | undefined,
) {
  if (topTier === undefined) return { outbox: undefined, reports: undefined, downloader: undefined };
  const { database, digests, clock } = ports;
  const outbox = new FactsOutbox({
    site,
    database,
    roster: () => view.current().roster,
    signFacts: (payload) => signDocument(payloadTypes.facts, payload, topTier.signer),
    digests,
    clock,
    ring: assembly.ring,
  });
  const reports = new ReportDesk({
    site,
    database,
    roster: () => view.current().roster,
    hashName: topTier.hashName,
    digests,
    clock,
    log: ports.logs.of('SMS_DMP_UPLOADER'),
  });
  const downloader = new DmpDownloader({
    site,
    database,
    documents,
    fetcher: ports.fetcher,
    content: upstream.content,
    hierarchyId: () => assembly.hierarchyId,
    check: ports.check,
    digests,
    clock,
    random: ports.random,
    log: ports.logs.of('SMS_DMP_DOWNLOADER'),
    ...(assembly.offline === undefined ? {} : { offline: true }),
    ...(assembly.checkIntervalMs === undefined ? {} : { intervalMs: assembly.checkIntervalMs }),
    ...(upstream.vendor === undefined
      ? {}
      : {
          reporting: {
            vendor: upstream.vendor,
            outbox,
            statement: () => view.current().documents.operatingKey,
            usage: {
              desk: reports,
              sign: (payload) => signDocument(payloadTypes.usageReport, payload, topTier.signer),
              sealing: ports.sealing,
            },
          },
        }),
  });
  return { outbox, reports, downloader };
}

/** What an offline top-tier site has in place of a line to the vendor. */
function connectionOf(
  { ports, view, offline, hierarchyId, products, exchange }: SiteAssembly,
  documents: TrustedDocuments,
  topTier: TopTier | undefined,
  parts: {
    readonly outbox: FactsOutbox | undefined;
    readonly reports: ReportDesk | undefined;
    readonly downloader: DmpDownloader | undefined;
    readonly peerVersions: PeerVersions;
  },
  signal: AbortSignal,
): ServiceConnection | undefined {
  const { outbox, reports, downloader, peerVersions } = parts;
  if (
    offline === undefined ||
    topTier === undefined ||
    outbox === undefined ||
    reports === undefined ||
    downloader === undefined
  )
    return undefined;
  const identity = () => view.current().documents;
  const sign = (payloadType: string, payload: Uint8Array) =>
    signDocument(payloadType, payload, topTier.signer);
  const introduction = new Introduction({ ...ports, documents: identity, sign });
  return new ServiceConnection(
    {
      ...ports,
      ...offline,
      hierarchyId,
      products,
      reports: exchange === 'vendor',
      documents,
      identity,
      sign,
      outgoing: together([
        introduction,
        outgoingFacts(outbox),
        outgoingReports(reports, (payload) => sign(payloadTypes.usageReport, payload)),
      ]),
      outbox,
      downloader,
      tufVersions: () => peerVersions.own(),
      log: ports.logs.of('SMS_DMP_DOWNLOADER'),
    },
    signal,
  );
}

async function topTierParts({ site: { code }, view, ports }: SiteAssembly) {
  const { database, vault, keys, clock, random, digests, logs } = ports;
  const name = operatingKeyName(view.current().statement.sequence);
  const secret = await vault.load(name);
  if (secret === undefined) {
    throw new SiteError(
      'KEY_MISSING',
      `the operating key "${name}" is missing from the vault of site ${code}: restore the folder "keys" from a backup, or sign a successor with the recovery key`,
      { site: code, key: name },
    );
  }
  const signer = keys.open(secret);
  const log = logs.of('SMS_HIERARCHY_MANAGER');
  const authority = new HierarchyAuthority({ database, view, site: code, signer, clock, log });
  const desk = new JoinDesk({ database, view, authority, keys, digests, clock, random, log });
  const hashName = await nameHash({ vault, random, keys });
  return { authority, desk, signer, hashName };
}
