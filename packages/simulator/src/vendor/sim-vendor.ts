import type { PackageDescriptor } from '@sallyport/core/domain/updates/package';
import { packageGuid, type PackageGuid, type ProductId, productId } from '@sallyport/core/shared/ids';
import { holdCeremony } from '@sallyport/engine/cloud/ceremony';
import { readPublished } from '@sallyport/engine/cloud/cloud-tools';
import { readDescriptors } from '@sallyport/engine/cloud/contents';
import { makeCodes } from '@sallyport/engine/cloud/enrolment';
import { type Rotation, rotateKeys } from '@sallyport/engine/cloud/key-rotation';
import { publish } from '@sallyport/engine/cloud/publisher';
import type { CloudTools } from '@sallyport/engine/cloud/cloud-tools';
import { defaultLifetimesMs } from '@sallyport/engine/cloud/repository/lifetimes';
import { renew, type RenewalResult } from '@sallyport/engine/cloud/renewal';
import { changeRollout, type RolloutChange, withdrawPackage } from '@sallyport/engine/cloud/rollout-changes';
import type { Clock } from '@sallyport/engine/ports/clock';
import type { CloudDatabase, HierarchySummary } from '@sallyport/engine/ports/cloud-database';
import type { ContentSource } from '@sallyport/engine/ports/content-source';
import type { KeyRole } from '@sallyport/engine/ports/key-ring';
import type { Log } from '@sallyport/engine/ports/log';
import type { Random } from '@sallyport/engine/ports/random';
import type { RepositorySource } from '@sallyport/engine/ports/repository';
import type { VendorExchange } from '@sallyport/engine/ports/vendor-exchange';
import { type CrashKind, MemoryDisk } from '@sallyport/engine/storage/memory/disk';
import { SqliteCloudDatabase } from '@sallyport/engine/storage/sqlite/cloud/cloud-database';
import { DeskExchange } from './desk-exchange.ts';
import { payloadReader } from './payload.ts';
import { seededKeys } from './seeded-keys.ts';
import { SeededSealing } from './seeded-sealing.ts';
import { definitionOf, filesOf, type SimPackage, type SimPublished, treeOf } from './sim-package.ts';
import { VendorContent, VendorRepository, vendorDown } from './vendor-sources.ts';
import { startVendor, type VendorHost, type VendorProcess, type Wrap } from './vendor-process.ts';

export interface SimVendorOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** `compiler` alone when not given. */
  readonly products?: readonly ProductId[];
  readonly log?: Log;
  readonly requiresUsageData?: boolean;
  /** zstd's level at publishing: 1 when not given, because packages here are small and published often. */
  readonly level?: number;
  /** Called for each port that each process of the vendor is given: repository, lock, keys, blobs, database. */
  readonly wrap?: Wrap;
  /** How long signatures count, where that is not as usual. */
  readonly lifetimesMs?: Partial<CloudTools['lifetimesMs']>;
}

const never = new AbortController().signal;
const silent: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

/**
 * A vendor of which only the machine is not real: the key ceremony, the publisher, the roll-out controller and the
 * exchange desk are those that ship. The same clock and random give the same bytes.
 */
export class SimVendor {
  /** Every package that the holders of the offline keys set out to sign. */
  readonly packages: ReadonlyMap<PackageGuid, SimPublished>;
  readonly withdrawn: ReadonlySet<PackageGuid>;
  /** The vendor as a site sees it, over a network without faults. Unreachable while no process runs. */
  readonly repository: RepositorySource;
  readonly content: ContentSource;
  readonly exchange: VendorExchange;
  readonly #packages = new Map<PackageGuid, SimPublished>();
  readonly #withdrawn = new Set<PackageGuid>();
  readonly #releasedAt = new Map<PackageGuid, number>();
  readonly #host: VendorHost;
  readonly #level: number;
  #process: VendorProcess | undefined;

  private constructor(host: VendorHost, level: number) {
    this.#host = host;
    this.#level = level;
    this.packages = this.#packages;
    this.withdrawn = this.#withdrawn;
    this.#process = startVendor(host);
    this.repository = new VendorRepository(() => this.#process?.tools.repository);
    this.content = new VendorContent(() => this.#process?.tools.blobs);
    this.exchange = new DeskExchange(() => this.#process?.desk ?? vendorDown());
  }

  /** Holds the key ceremony. */
  static async create(options: SimVendorOptions): Promise<SimVendor> {
    const { clock, random, products = [productId('compiler')], log = silent } = options;
    const host: VendorHost = {
      disk: new MemoryDisk(),
      database: await SqliteCloudDatabase.open(':memory:'),
      keys: seededKeys(random),
      sealing: new SeededSealing(random),
      clock,
      random,
      log,
      wrap: options.wrap ?? ((_, real) => real),
      lifetimesMs: { ...defaultLifetimesMs, ...options.lifetimesMs },
    };
    const vendor = new SimVendor(host, options.level ?? 1);
    await holdCeremony(
      vendor.#running.tools,
      {
        vendor: 'Example',
        products: products.map((id) => ({ id, name: `The ${id}` })),
        requiresUsageData: options.requiresUsageData ?? true,
        offline: {
          root: { keys: 3, threshold: 2 },
          targets: { keys: 2, threshold: 2 },
          catalog: { keys: 2, threshold: 2 },
        },
      },
      never,
    );
    return vendor;
  }

  /**
   * Publishes packages in one signing. Never settles when the process dies meanwhile; repeating it after a restart
   * goes on.
   */
  async publish(...items: readonly SimPackage[]): Promise<readonly SimPublished[]> {
    const payloads = new Map(items.map((item) => [item.guid, filesOf(item)]));
    for (const item of items) {
      if (this.#packages.has(item.guid)) continue;
      this.#packages.set(item.guid, { package: item, tree: treeOf(filesOf(item)) });
      // The same on a repeat, so that a package that was published is known again.
      this.#releasedAt.set(item.guid, this.#host.clock.now());
    }
    const { tools } = this.#running;
    await publish(
      { ...tools, reader: payloadReader(payloads) },
      items.map((item) => definitionOf(item, this.#releasedAt.get(item.guid) ?? 0)),
      { percentage: percentageOf(items), level: this.#level },
      never,
    );
    const descriptors = await this.#descriptors();
    return items.map((item) => {
      const known = this.#packages.get(item.guid);
      const descriptor = descriptors.get(item.guid);
      if (known === undefined || descriptor === undefined) {
        throw new RangeError(`${item.guid} was published and is not in the catalogue`);
      }
      const published = { ...known, descriptor };
      this.#packages.set(item.guid, published);
      return published;
    });
  }

  /** A GUID for a package, from the vendor's chance. */
  newGuid(): PackageGuid {
    return packageGuid(this.#host.random.uuid());
  }

  async withdraw(guid: PackageGuid, reason = 'it does harm'): Promise<void> {
    await withdrawPackage(this.#running.tools, { package: guid }, reason, never);
    this.#withdrawn.add(guid);
  }

  async rollout(guid: PackageGuid, change: RolloutChange): Promise<void> {
    await changeRollout(this.#running.tools, { package: guid }, change, never);
  }

  /** Signs anew everything that is due, offline roles too. Timestamps live a day: do it every twelve hours. */
  async renew(): Promise<RenewalResult> {
    return renew(this.#running.tools, {}, never);
  }

  async rotate(role: KeyRole): Promise<Rotation> {
    return rotateKeys(this.#running.tools, role, {}, never);
  }

  async enrolmentCode(): Promise<string> {
    const { clock, random } = this.#host;
    const codes = await makeCodes(this.#running.database, random, { count: 1, now: clock.now() });
    return codes[0] ?? '';
  }

  /** The first root: what a site pins. */
  get firstRoot(): Uint8Array {
    const bytes = this.#host.disk.files.get('memory:repository/metadata/1.root.json');
    if (bytes === undefined) throw new RangeError('the key ceremony has not been held');
    return bytes.slice();
  }

  /** GUIDs of all packages that the offline keys may have signed. Nothing else may ever be installed. */
  offlineSigned(): ReadonlySet<PackageGuid> {
    return new Set(this.#packages.keys());
  }

  /** What the vendor has accepted of hierarchies, read without the process. */
  async hierarchies(): Promise<readonly HierarchySummary[]> {
    return this.#host.database.hierarchies();
  }

  /** The same for what is asked of the database otherwise. */
  get database(): Pick<CloudDatabase, 'codes' | 'hierarchies' | 'hierarchy'> {
    return this.#host.database;
  }

  get isRunning(): boolean {
    return this.#process !== undefined;
  }

  /** The process ends without being asked: what it was at never settles. Drawn when not given. */
  crash(kind: CrashKind = this.#host.random.fraction() < 0.5 ? 'kill' : 'power'): void {
    this.#process?.end();
    this.#process = undefined;
    this.#host.disk.crash(this.#host.random, kind);
  }

  /** Starts a process on what the one before left. */
  restart(): void {
    this.#process?.end();
    this.#process = startVendor(this.#host);
  }

  get #running(): VendorProcess {
    return this.#process ?? vendorDown();
  }

  async #descriptors(): Promise<ReadonlyMap<PackageGuid, PackageDescriptor>> {
    const { tools } = this.#running;
    const { contents } = await readPublished(tools);
    const all = new Map<PackageGuid, PackageDescriptor>();
    for (const catalogue of contents.catalogues.values()) {
      for (const [guid, descriptor] of await readDescriptors(tools.blobs, catalogue))
        all.set(guid, descriptor);
    }
    return all;
  }
}

/** One signing gives all of its packages one percentage. */
function percentageOf(items: readonly SimPackage[]): number {
  const [first = 100, ...others] = new Set(items.map(({ percentage }) => percentage ?? 100));
  if (others.length > 0) throw new RangeError('packages of different percentages are published one by one');
  return first;
}
