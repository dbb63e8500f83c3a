import type { TestContext } from 'node:test';
import { goesDown, goesUp } from '@sallyport/core/domain/sites/record-flow';
import type { Roster, SiteType } from '@sallyport/core/domain/sites/site';
import type { UpdateEventName, UpdateProjection } from '@sallyport/core/domain/updates/event';
import type { Order } from '@sallyport/core/domain/updates/order';
import { nextEvent } from '@sallyport/core/domain/updates/state';
import { type PackageGuid, siteCode, type SiteCode } from '@sallyport/core/shared/ids';
import { hierarchyIdOf, signOrder, signRoster } from '@sallyport/core/wire/hierarchy-documents';
import { type EnvelopeJson, payloadTypes, signDocument } from '@sallyport/core/wire/signed-document';
import { LibrarySource } from '../../../../test-support/library-source.ts';
import { MemoryCompute } from '../../../compute/memory-compute.ts';
import { nodeDigests } from '../../../compute/digest.ts';
import { HpkeSealing } from '../../../compute/hpke-sealing.ts';
import { nodeKeys } from '../../../compute/ed25519.ts';
import { checkSignature } from '../../../compute/signature-check.ts';
import type { Signer } from '../../../ports/keys.ts';
import type { SiteDatabase } from '../../../ports/site-database.ts';
import { MemoryBlobs } from '../../../storage/memory/blobs.ts';
import { MemoryTrustStore } from '../../../storage/memory/trust-store.ts';
import { memoryDatabase } from '../../../storage/sqlite/test-support/databases.ts';
import { blobTargets } from '../../trust/blob-targets.ts';
import { PackageFetcher } from '../../content/package-fetcher.ts';
import { DistributionManager } from '../../distribution-manager/distribution-manager.ts';
import { DmpDownloader } from '../../dmp-downloader/downloader.ts';
import { FactsOutbox } from '../../dmp-downloader/facts-outbox.ts';
import { operatingKeyStatement } from '../../hierarchy-identity/create-hierarchy.ts';
import { adoptHierarchy } from '../../hierarchy-identity/hierarchy-setting.ts';
import { HierarchyView } from '../../hierarchy-identity/hierarchy-view.ts';
import { ReportDesk } from '../../usage-reports/report-desk.ts';
import { SiteOperations } from '../../operations/operations.ts';
import { StoreRepository } from '../../trust/store-repository.ts';
import { ManualClock } from '../../../../test-support/manual-clock.ts';
import { fixedRandom, KeptLog } from '../../work/test-support/fixed-ports.ts';
import { HierarchyManager } from '../hierarchy-manager.ts';
import { TrustedPackageGate } from '../package-gate.ts';
import type { SiteIdentity } from '../site-identity.ts';
import { TrustedDocuments } from '../trusted-documents.ts';
import type { ChildStatus } from '../../replication-manager/parent-side.ts';
import { MemoryReleases } from './memory-releases.ts';
import { guids, product, strangersKey, TestVendor } from './test-vendor.ts';

const never = new AbortController().signal;

/** A site without an installer: tests speak for that one. */
export interface TestSite {
  readonly identity: SiteIdentity;
  readonly database: SiteDatabase;
  readonly blobs: MemoryBlobs;
  readonly trust: MemoryTrustStore;
  readonly releases: MemoryReleases;
  readonly documents: TrustedDocuments;
  readonly manager: HierarchyManager;
  readonly distribution: DistributionManager;
  readonly gate: TrustedPackageGate;
  /** What it takes its content from. */
  readonly content: LibrarySource;
  readonly log: KeptLog;
}

export type TestTopTier = TestSite & {
  readonly downloader: DmpDownloader;
  readonly operations: SiteOperations;
  readonly outbox: FactsOutbox;
};

export interface TestHierarchyOptions {
  /** Codes of the sites below the top-tier site `CAS`, with their types. */
  readonly children?: Readonly<Record<string, Exclude<SiteType, 'central'>>>;
  /** Parents other than the top-tier site. */
  readonly parents?: Readonly<Record<string, string>>;
  readonly exchange?: 'none' | 'vendor';
  /** Opens a site's database; in memory when not given. */
  readonly database?: (code: string) => SiteDatabase;
}

/** A hierarchy in memory: real databases, trust, orders and content; time and links are moved by the test. */
export class TestHierarchy {
  readonly clock = new ManualClock(Date.UTC(2026, 0, 10));
  readonly vendor = new TestVendor(this.clock);
  /** What the replication manager of the top-tier site would say of its children. */
  childLinks: readonly ChildStatus[] = [];
  readonly operating: Signer = nodeKeys.open(nodeKeys.generate());
  readonly roster: Roster;
  readonly top: TestTopTier;
  readonly children = new Map<string, TestSite>();
  readonly #documents: {
    readonly hierarchyId: Roster['hierarchyId'];
    readonly operatingKey: EnvelopeJson;
    readonly roster: EnvelopeJson;
  };
  /** Everything that was ever in force is named by the releases that follow. */
  readonly #exchange: 'none' | 'vendor';
  readonly #openDatabase: (code: string) => SiteDatabase;

  private constructor(options: TestHierarchyOptions) {
    this.#exchange = options.exchange ?? 'vendor';
    this.#openDatabase = options.database ?? memoryDatabase;
    const recovery = nodeKeys.open(nodeKeys.generate());
    const hierarchyId = hierarchyIdOf(recovery.publicKey, nodeDigests.of);
    const cas = siteCode('CAS');
    this.roster = {
      schema: 1,
      hierarchyId,
      version: 1,
      sites: [
        {
          code: cas,
          type: options.children === undefined ? 'primary' : 'central',
          key: strangersKey(),
          epoch: 1,
        },
        ...Object.entries(options.children ?? {}).map(([code, type]) => ({
          code: siteCode(code),
          type,
          parent: siteCode(options.parents?.[code] ?? cas),
          key: strangersKey(),
          epoch: 1,
        })),
      ],
    };
    this.#documents = {
      hierarchyId,
      operatingKey: operatingKeyStatement(hierarchyId, 1, recovery, this.operating.publicKey),
      roster: signRoster(this.roster, this.operating),
    };
    this.vendor.operatingKey = this.operating.publicKey;
    this.top = this.#topTier();
  }

  /** A hierarchy that runs version 1.0.0 everywhere; started, and stopped when the test ends. */
  static async start(t: TestContext, options: TestHierarchyOptions = {}): Promise<TestHierarchy> {
    const hierarchy = new TestHierarchy(options);
    await hierarchy.vendor.add(guids.base, '1.0.0', { kind: 'baseline' });
    hierarchy.vendor.sign();
    await hierarchy.#pinRoot(hierarchy.top);
    for (const { code, type, parent } of hierarchy.roster.sites) {
      if (parent === undefined) continue;
      const above = hierarchy.site(parent);
      const site = hierarchy.#site(
        { code, type, parent },
        new StoreRepository(parent, above.trust, blobTargets(above.blobs)),
        new LibrarySource(above.blobs),
      );
      hierarchy.children.set(code, site);
      await hierarchy.#pinRoot(site);
    }
    for (const site of hierarchy.sites()) {
      await hierarchy.runs(site, guids.base, '1.0.0', [guids.base]);
      await site.manager.start(never);
      await site.distribution.start(never);
    }
    await hierarchy.top.downloader.start(never);
    t.after(() => hierarchy.stop());
    await hierarchy.settle();
    return hierarchy;
  }

  sites(): readonly TestSite[] {
    return [this.top, ...this.children.values()];
  }

  site(code: string): TestSite {
    const site = code === 'CAS' ? this.top : this.children.get(code);
    if (site === undefined) throw new RangeError(`no site ${code}`);
    return site;
  }

  async stop(): Promise<void> {
    await this.top.downloader.stop();
    for (const site of this.sites()) {
      await site.distribution.stop();
      await site.manager.stop();
    }
  }

  /** Puts a release into force at a site, as its installer does. */
  async runs(
    site: TestSite,
    guid: PackageGuid,
    version: string,
    installed: readonly PackageGuid[],
  ): Promise<void> {
    await site.releases.switchTo({
      product,
      guid,
      version,
      folder: version,
      treeSha256: '0'.repeat(64),
      installed,
    });
  }

  /** Lets records travel over every link, and everybody do what follows, until nothing more happens. */
  async settle(): Promise<void> {
    for (let round = 0; round < 8; round += 1) {
      await this.clock.settle();
      for (const [code, child] of this.children)
        this.#link(this.site(child.identity.parent ?? 'CAS'), child, siteCode(code));
    }
    await this.clock.settle();
  }

  state(code: string, guid: PackageGuid): UpdateProjection['state'] | undefined {
    return this.projection(code, guid)?.state;
  }

  projection(code: string, guid: PackageGuid): UpdateProjection | undefined {
    const site = this.site(code);
    return site.database.read(({ updates }) => updates.projection(guid, site.identity.code));
  }

  /** An event as the site's installer appends it. */
  happen(
    code: string,
    guid: PackageGuid,
    event: UpdateEventName,
    data: Readonly<Record<string, unknown>> = {},
  ): void {
    const { database, identity } = this.site(code);
    database.write(({ updates }) => {
      updates.append(
        nextEvent(updates.projection(guid, identity.code), {
          guid,
          site: identity.code,
          event,
          at: this.clock.now(),
          data,
        }),
      );
    });
  }

  /** Takes a site whose content is there through a whole install. */
  async installs(code: string, guid: PackageGuid): Promise<void> {
    for (const event of ['prerequisites-started', 'prerequisites-passed', 'install-started'] as const)
      this.happen(code, guid, event, { results: [] });
    for (const step of [
      'stage-release',
      'backup-database',
      'before-switch-hooks',
      'switch',
      'after-switch-hooks',
      'health-check',
    ]) {
      this.happen(code, guid, 'step-finished', { step });
    }
    const site = this.site(code);
    const before = await site.releases.current(product);
    const version = this.vendor.entries.get(guid)?.version ?? '';
    await this.runs(site, guid, version, [...(before?.installed ?? []), guid]);
    this.happen(code, guid, 'install-succeeded');
    await this.settle();
  }

  /** An order under a key of one's own, as a record of the top-tier site. */
  putOrder(order: Order, signer: Signer = this.operating, sequence = order.sequence): void {
    const body = signOrder(order, signer);
    this.top.database.write(({ records }) =>
      records.putOwn('order', String(sequence).padStart(10, '0'), body, this.clock.now()),
    );
  }

  order(sequence: number, guid: PackageGuid, more: Partial<Order> = {}): Order {
    const descriptor = this.vendor.entries.get(guid)?.descriptor;
    if (descriptor === undefined) throw new RangeError(`no package ${guid}`);
    return {
      schema: 1,
      hierarchyId: this.roster.hierarchyId,
      sequence,
      action: 'install',
      product,
      guid,
      descriptor,
      attempt: 1,
      sites: 'primaries',
      issuedAt: new Date(this.clock.now()).toISOString(),
      issuedBy: 'a test',
      features: [],
      ...more,
    };
  }

  #link(parent: TestSite, child: TestSite, code: SiteCode): void {
    const up = child.identity.parent ?? siteCode('CAS');
    this.#carry(parent.database, child.database, up, (record) => goesDown(this.roster, code, record));
    this.#carry(child.database, parent.database, code, (record) => goesUp(this.roster, code, record));
  }

  #carry(
    from: SiteDatabase,
    to: SiteDatabase,
    peer: SiteCode,
    goes: (record: Parameters<typeof goesUp>[2]) => boolean,
  ): void {
    const cursor = to.read(({ records }) => records.cursor(peer));
    const arrived = from.read(({ records }) => records.after(cursor, 10_000));
    const last = arrived.at(-1);
    if (last === undefined) return;
    const records = arrived.map(({ record }) => record).filter(goes);
    to.write((tables) => tables.records.apply(peer, records, last.arrival));
  }

  async #pinRoot({ trust }: TestSite): Promise<void> {
    await trust.saveRoot(1, this.vendor.repository.metadataFiles.get('1.root.json') ?? new Uint8Array());
  }

  #site(
    identity: SiteIdentity,
    source: ConstructorParameters<typeof TrustedDocuments>[0]['source'],
    content: LibrarySource,
  ): TestSite {
    const database = this.#openDatabase(identity.code);
    adoptHierarchy(database, this.#documents);
    const blobs = new MemoryBlobs();
    const trust = new MemoryTrustStore();
    const releases = new MemoryReleases();
    const log = new KeptLog();
    const shared = {
      site: identity,
      database,
      blobs,
      trust,
      releases,
      content,
      log,
      clock: this.clock,
      random: fixedRandom(0),
      digests: nodeDigests,
      check: checkSignature,
    };
    const documents = new TrustedDocuments({
      ...shared,
      products: [product],
      ...(source === undefined ? {} : { source }),
    });
    const hierarchy = new HierarchyView({ database, check: checkSignature, digestOf: nodeDigests.of });
    const fetcher = new PackageFetcher({
      ...shared,
      compute: new MemoryCompute(blobs),
      retry: { attemptsMax: 1, delayFirstMs: 1, delayMaxMs: 1 },
    });
    const manager = new HierarchyManager({
      ...shared,
      documents,
      hierarchy,
      platform: { os: 'linux', arch: 'x64' },
      ring: 'general',
      exchange: this.#exchange,
      components: () => [],
      linkProblems: () => [],
    });
    const distribution = new DistributionManager({ ...shared, documents, fetcher });
    const gate = new TrustedPackageGate({ ...shared, documents });
    return {
      identity,
      database,
      blobs,
      trust,
      releases,
      documents,
      manager,
      distribution,
      gate,
      content,
      log,
    };
  }

  #topTier(): TestTopTier {
    const [top] = this.roster.sites;
    if (top === undefined) throw new RangeError('a hierarchy has a top-tier site');
    const site = this.#site({ code: top.code, type: top.type }, this.vendor.repository, this.vendor.content);
    const { database, documents, manager, distribution, blobs, log, identity } = site;
    const shared = {
      site: identity,
      database,
      documents,
      log,
      clock: this.clock,
      random: fixedRandom(0),
      digests: nodeDigests,
      check: checkSignature,
    };
    const fetcher = new PackageFetcher({
      ...shared,
      blobs,
      compute: new MemoryCompute(blobs),
      retry: { attemptsMax: 1, delayFirstMs: 1, delayMaxMs: 1 },
    });
    const outbox = new FactsOutbox({
      ...shared,
      roster: () => this.roster,
      signFacts: (payload) => signDocument(payloadTypes.facts, payload, this.operating),
      ring: 'general',
    });
    const reports = new ReportDesk({
      ...shared,
      roster: () => this.roster,
      hashName: (text) => nodeDigests.of('sha256', new TextEncoder().encode(text)).slice(0, 43),
    });
    const downloader = new DmpDownloader({
      ...shared,
      fetcher,
      content: this.vendor.content,
      hierarchyId: () => this.roster.hierarchyId,
      ...(this.#exchange === 'none'
        ? {}
        : {
            reporting: {
              vendor: this.vendor,
              outbox,
              statement: () => this.#documents.operatingKey,
              usage: {
                desk: reports,
                sign: (payload) => signDocument(payloadTypes.usageReport, payload, this.operating),
                sealing: new HpkeSealing(),
              },
            },
          }),
    });
    const hierarchy = new HierarchyView({ database, check: checkSignature, digestOf: nodeDigests.of });
    const operations = new SiteOperations({
      ...shared,
      hierarchy,
      manager,
      distribution,
      links: {
        childLinks: () => this.childLinks,
        query: () => ({ state: 'running', reason: 'links are up', since: 0 }),
      },
      components: () => [],
      topTier: {
        downloader,
        signOrder: (order) => signOrder(order, this.operating),
        ...(this.#exchange === 'none' ? {} : { outbox }),
      },
    });
    return { ...site, downloader, operations, outbox };
  }
}
