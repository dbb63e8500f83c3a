import assert from 'node:assert/strict';
import type { Catalogue } from '@sallyport/core/domain/updates/package';
import { productId, siteCode } from '@sallyport/core/shared/ids';
import { parseCatalogue } from '@sallyport/core/wire/catalogue';
import { parseTree } from '@sallyport/core/wire/tree';
import { PackageFetcher } from '@sallyport/engine/components/content/package-fetcher';
import { TrustRefresher } from '@sallyport/engine/components/trust/refresher';
import { nodeDigests } from '@sallyport/engine/compute/digest';
import { checkSignature } from '@sallyport/engine/compute/signature-check';
import type { Log } from '@sallyport/engine/ports/log';
import { ManualClock } from '../../../../engine/test-support/manual-clock.ts';
import { SeededRandom } from '../../../../engine/test-support/seeded-random.ts';
import { SiteDisk, type SiteStorage } from '../../disk/site-disk.ts';
import type { SimPublished } from '../sim-package.ts';
import { SimVendor, type SimVendorOptions } from '../sim-vendor.ts';

export const product = productId('compiler');
export const never = new AbortController().signal;
const noLog: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

export interface TestVendor {
  readonly vendor: SimVendor;
  readonly clock: ManualClock;
  readonly random: SeededRandom;
}

export async function newVendor(seed: number, options: Partial<SimVendorOptions> = {}): Promise<TestVendor> {
  const clock = new ManualClock();
  const random = new SeededRandom(seed);
  return { vendor: await SimVendor.create({ clock, random, ...options }), clock, random };
}

/** Somebody who believes only what the pinned root says, and builds releases of what it finds. */
export class VendorReader {
  readonly disk = new SiteDisk({ site: siteCode('CAS'), random: new SeededRandom(9) });
  readonly #storage: SiteStorage;
  readonly #vendor: SimVendor;
  readonly #clock: ManualClock;

  private constructor(vendor: SimVendor, clock: ManualClock) {
    this.#vendor = vendor;
    this.#clock = clock;
    this.#storage = this.disk.open();
  }

  static async of({ vendor, clock }: Pick<TestVendor, 'clock' | 'vendor'>): Promise<VendorReader> {
    const reader = new VendorReader(vendor, clock);
    await reader.#storage.trust.saveRoot(1, vendor.firstRoot);
    return reader;
  }

  /** The catalogue as it can be believed now. */
  async catalogue(): Promise<Catalogue> {
    const refresher = new TrustRefresher({
      store: this.#storage.trust,
      source: this.#vendor.repository,
      check: checkSignature,
      digests: nodeDigests,
    });
    await refresher.refresh(this.#clock.now(), never);
    return parseCatalogue(await refresher.fetchTarget(`catalog/${product}.json`, never));
  }

  /** Fetches a package's content and builds its release. Answers the routes that its segments took. */
  async build({ package: item, tree, descriptor }: SimPublished): Promise<{ readonly patch: number }> {
    assert.ok(descriptor, `${item.version} was not published`);
    const { blobs, compute, releases } = this.#storage;
    const fetcher = new PackageFetcher({
      blobs,
      compute,
      clock: this.#clock,
      random: new SeededRandom(4),
      log: noLog,
    });
    const { routes } = await fetcher.fetch(descriptor.content, this.#vendor.content, { signal: never });
    const folder = await releases.folderFor(product, item.guid, item.version);
    const { sha256, sizeBytes } = descriptor.content.tree;
    const published = parseTree(await blobs.readBytes(sha256, sizeBytes));
    await releases.stage(product, folder, published, () => undefined, never);
    assert.deepEqual(this.disk.releaseProblems(product, folder, tree), []);
    return routes;
  }
}
