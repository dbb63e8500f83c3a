import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { collect } from '@sallyport/core/domain/usage/collect';
import type { UsageRow } from '@sallyport/core/domain/usage/item';
import type { UsageLevel } from '@sallyport/core/domain/usage/level';
import { type UsageLimits, usageLimits } from '@sallyport/core/domain/usage/limits';
import { temporaryFolder } from '../../../../test-support/temporary-folder.ts';
import { nodeDigests } from '../../../compute/digest.ts';
import { checkSignature } from '../../../compute/signature-check.ts';
import type { Machine, MachineDescription, ProcessPerformance } from '../../../ports/machine.ts';
import { FileDatabaseBackups } from '../../../storage/files/backups.ts';
import { fileDatabase } from '../../../storage/sqlite/test-support/databases.ts';
import { HierarchyView } from '../../hierarchy-identity/hierarchy-view.ts';
import type { NamedStatus } from '../../hierarchy-manager/own-records.ts';
import { TestHierarchy, type TestSite } from '../../hierarchy-manager/test-support/test-hierarchy.ts';
import { product } from '../../hierarchy-manager/test-support/test-vendor.ts';
import { apiOperations } from '../../operations/api.ts';
import { RequestCounter } from '../../operations/request-counter.ts';
import { KeptLog } from '../../work/test-support/fixed-ports.ts';
import { readCollector } from '../collector-state.ts';
import { CountedLogs } from '../counted-logs.ts';
import { gatherFacts } from '../gather.ts';
import { readPolicy } from '../policy.ts';
import type { UsageSources } from '../sources.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** A machine that a test changes. */
export class ToldMachine implements Machine {
  readonly described: Mutable<MachineDescription> = {
    os: 'linux',
    arch: 'x64',
    release: '6.8.0',
    processors: 2,
    memoryBytes: 8 * 1024 ** 3,
    loadThousandths: 100,
    node: '24.0.0',
    sqlite: '3.50.0',
    privileged: false,
  };
  readonly used: Mutable<ProcessPerformance>;

  constructor(startedAt: number) {
    this.used = {
      startedAt,
      residentBytes: 100,
      heapBytes: 50,
      processorMs: 10,
      loopDelayP50Us: 1,
      loopDelayP99Us: 2,
      jobs: [],
    };
  }

  describe(): MachineDescription {
    return this.described;
  }

  performance(): ProcessPerformance {
    return this.used;
  }
}

/** One site of a test hierarchy with everything that its usage data are gathered from: real but for the machine. */
export class ToldSite {
  readonly hierarchy: TestHierarchy;
  readonly site: TestSite;
  readonly machine: ToldMachine;
  readonly logs = new CountedLogs({ of: () => new KeptLog() });
  readonly requests = new RequestCounter();
  readonly backups: FileDatabaseBackups;
  /** Where its database is, if it is in a file. */
  readonly databasePath: string;
  components: readonly NamedStatus[] = [
    {
      name: 'SMS_HIERARCHY_MANAGER',
      state: 'waiting',
      reason: 'nothing to do',
      since: Date.UTC(2026, 0, 10),
    },
  ];
  sallyport = '0.1.0';
  configuration: Mutable<UsageSources['configuration']> = {
    products: [product],
    ring: 'general',
    exchange: 'vendor',
    checkIntervalMs: 86_400_000,
  };
  link: NamedStatus['state'] = 'waiting';
  limits: UsageLimits = usageLimits;
  readonly #setUpAt: number;

  private constructor(hierarchy: TestHierarchy, site: TestSite, folder: string) {
    this.hierarchy = hierarchy;
    this.site = site;
    this.databasePath = join(folder, site.identity.code, 'site.db');
    this.backups = new FileDatabaseBackups({ folder: join(folder, 'backup'), database: site.database });
    this.#setUpAt = hierarchy.clock.now();
    this.machine = new ToldMachine(this.#setUpAt);
  }

  /** A hierarchy of the sites `CAS` and `PR1` with one of them as the one that tells; `inFiles`: databases in files. */
  static async start(t: TestContext, code: string, inFiles = false): Promise<ToldSite> {
    const folder = await temporaryFolder(t);
    const hierarchy = await TestHierarchy.start(t, {
      children: { PR1: 'primary' },
      ...(inFiles ? { database: (each) => fileDatabase(join(folder, each, 'site.db'), each) } : {}),
    });
    const site = hierarchy.site(code);
    if (inFiles) t.after(() => hierarchy.sites().forEach(({ database }) => database.close()));
    return new ToldSite(hierarchy, site, folder);
  }

  get database(): TestSite['database'] {
    return this.site.database;
  }

  sources(): UsageSources {
    const { site, hierarchy, machine, backups, configuration, sallyport } = this;
    return {
      site: site.identity,
      sallyport,
      configuration,
      database: site.database,
      hierarchy: new HierarchyView({
        database: site.database,
        check: checkSignature,
        digestOf: nodeDigests.of,
      }),
      documents: site.documents,
      releases: site.releases,
      blobs: site.blobs,
      backups,
      machine,
      links: {
        // As the real one it looks into the database, and so may not be asked within a transaction.
        childLinks: () => site.database.read(() => (site === hierarchy.top ? hierarchy.childLinks : [])),
        query: () => ({ state: this.link, reason: 'as a test wants it', since: 0 }),
      },
      components: () => this.components,
      logged: () => this.logs.counts(),
      requests: () => this.requests.counts(),
    };
  }

  /** The API of the top-tier site, its requests counted as the site server counts them. */
  async ask(operation: keyof ReturnType<typeof apiOperations>, input: unknown = {}): Promise<void> {
    const served = this.requests.counted(apiOperations(this.hierarchy.top.operations))[operation];
    await served?.handle(input as never).catch(() => undefined);
  }

  /** What the site tells now. */
  async tells(level: UsageLevel = 'full'): Promise<Readonly<Record<string, readonly UsageRow[]>>> {
    const { database } = this.site;
    const facts = await gatherFacts(this.sources(), {
      at: this.hierarchy.clock.now(),
      level: database.read(({ records }) => readPolicy(records, this.hierarchy.top.identity.code)).level,
      state: database.read(({ settings }) => readCollector(settings)) ?? {
        schema: 1,
        setUpAt: this.#setUpAt,
      },
      pause: () => Promise.resolve(),
      limits: this.limits,
    });
    const { items, failed } = collect(facts, level);
    if (failed.length > 0) throw new Error(`items failed: ${JSON.stringify(failed)}`);
    return items;
  }
}
