import type { BlobRef } from '@sallyport/core/domain/content/tree';
import type { TargetFile } from '@sallyport/core/domain/trust/documents';
import type { SignatureCheck } from '@sallyport/core/domain/trust/key';
import { referenceTime } from '@sallyport/core/domain/trust/reference-time';
import { TrustError } from '@sallyport/core/domain/trust/trust-error';
import type { Catalogue, PackageDescriptor, Rollout, ServiceInfo } from '@sallyport/core/domain/updates/package';
import type { RolloutInput } from '@sallyport/core/domain/updates/selection-input';
import { messageOf, SallyportError } from '@sallyport/core/shared/errors';
import { digest, type Digest, type EpochMs, type PackageGuid, type ProductId } from '@sallyport/core/shared/ids';
import { parseCatalogue } from '@sallyport/core/wire/catalogue';
import { parseDescriptor } from '@sallyport/core/wire/descriptor';
import { parseRollout } from '@sallyport/core/wire/rollout';
import { parseServiceInfo } from '@sallyport/core/wire/service-info';
import type { Blobs } from '../../ports/blobs.ts';
import type { Clock } from '../../ports/clock.ts';
import type { ContentSource } from '../../ports/content-source.ts';
import type { Digests } from '../../ports/digests.ts';
import type { Log } from '../../ports/log.ts';
import type { RepositorySource } from '../../ports/repository.ts';
import type { SiteDatabase } from '../../ports/site-database.ts';
import type { TrustStore } from '../../ports/trust-store.ts';
import { TrustRefresher } from '../trust/refresher.ts';
import { fetchDescriptors } from './descriptor-fetch.ts';
import type { DocumentProblem, TrustedProduct, TrustedView, TrustProblem } from './trusted-view.ts';

export interface TrustedDocumentsOptions {
  readonly database: SiteDatabase;
  readonly blobs: Blobs;
  readonly trust: TrustStore;
  readonly check: SignatureCheck;
  readonly digests: Digests;
  readonly clock: Clock;
  readonly log: Log;
  /** Products that this site keeps up to date. */
  readonly products: readonly ProductId[];
  /** Where metadata come from: the cloud at the top-tier site, the parent elsewhere. */
  readonly source?: RepositorySource;
  /** Where descriptors come from, by digest. */
  readonly content?: ContentSource;
  /** How long past their expiry timestamp and snapshot still count (offline sites). */
  readonly stalenessMs?: number;
}

/** The setting `trusted`: the newest targets that were ever verified here, by path; their bytes are blobs. */
interface TrustedIndex {
  readonly schema: 1;
  readonly refreshedAt: EpochMs;
  readonly targets: Readonly<Record<string, BlobRef>>;
}

const settingName = 'trusted';
const servicePath = 'service.json';
const cataloguePath = (product: ProductId): string => `catalog/${product}.json`;
const rolloutPath = (product: ProductId): string => `rollout/${product}.json`;

/**
 * The vendor's signed documents as this site believes them: service facts, catalogues, roll-outs and package
 * descriptors. Keeps their bytes in the content library, so that children can have them from here.
 *
 * The only one at a site that touches its trust store; a refresh and a look never see each other's half.
 */
export class TrustedDocuments {
  readonly #options: TrustedDocumentsOptions;
  readonly #online: TrustRefresher;
  /** Judges what is stored, at the time of asking, and never reaches for the network. */
  readonly #stored: TrustRefresher;
  readonly #parsed = new Map<string, unknown>();
  #last: Promise<unknown> = Promise.resolve();
  #lastView: TrustedView | undefined;
  #refreshing = false;

  constructor(options: TrustedDocumentsOptions) {
    this.#options = options;
    const { trust: store, check, digests, source, stalenessMs } = options;
    const shared = { store, check, digests, ...(stalenessMs === undefined ? {} : { stalenessMs }) };
    this.#online = new TrustRefresher({ ...shared, ...(source === undefined ? {} : { source }) });
    this.#stored = new TrustRefresher(shared);
  }

  /** The time that trust is judged by here. */
  async referenceTime(): Promise<EpochMs> {
    return referenceTime(this.#options.clock.now(), await this.#options.trust.timeFloor());
  }

  /**
   * Brings metadata, documents and descriptors up to date. What was believed before stays known when this fails.
   *
   * @param extraProducts besides those configured
   * @returns what could not be had or believed although the metadata as a whole could
   * @throws {TrustError} {RepositorySourceError} when the metadata as a whole could not
   */
  refresh(signal: AbortSignal, extraProducts: readonly ProductId[] = []): Promise<readonly DocumentProblem[]> {
    return this.#exclusively(() => this.#whileRefreshing(() => this.#refresh(signal, extraProducts)));
  }

  async #refresh(signal: AbortSignal, extraProducts: readonly ProductId[]): Promise<readonly DocumentProblem[]> {
    await this.#online.refresh(await this.referenceTime(), signal);
    const problems: DocumentProblem[] = [];
    const targets: Record<string, BlobRef> = { ...this.#index().targets };
    const products = new Set([...this.#options.products, ...extraProducts]);
    for (const path of [servicePath, ...[...products].flatMap((product) => [cataloguePath(product), rolloutPath(product)])]) {
      const outcome = await this.#fetch(path, targets[path], signal);
      if (outcome.kind === 'held') targets[path] = outcome.blob;
      else problems.push({ what: path, ...outcome.problem });
    }
    this.#keepIndex(targets);
    problems.push(...(await this.#fetchDescriptors(targets, signal)));
    return problems;
  }

  /**
   * What is believed now. Never reaches for the network, and never waits for it: while a refresh is under way it is
   * what was believed before.
   */
  async view(): Promise<TrustedView> {
    if (this.#refreshing && this.#lastView !== undefined) return this.#lastView;
    const view = await this.#exclusively(() => this.#look());
    this.#lastView = view;
    return view;
  }

  async #look(): Promise<TrustedView> {
    const time = await this.referenceTime();
    const problem = await this.#judgeWhole(time);
    const { targets } = this.#index();
    const service = targets[servicePath];
    const products = new Map<ProductId, TrustedProduct>();
    for (const product of productsOf(targets)) {
      const judged = await this.#judgeProduct(product, targets, problem);
      if (judged !== undefined) products.set(product, judged);
    }
    return {
      referenceTime: time,
      ...(service === undefined ? {} : { service: await this.#read<ServiceInfo>(service, parseServiceInfo) }),
      products,
      ...(problem === undefined ? {} : { problem }),
    };
  }

  /** Blobs that must stay: the documents themselves and every descriptor they name. */
  async roots(): Promise<ReadonlySet<Digest>> {
    const view = await this.view();
    const roots = new Set<Digest>(Object.values(this.#index().targets).map(({ sha256 }) => sha256));
    for (const { catalogue } of view.products.values()) {
      for (const { descriptor } of catalogue.packages) roots.add(descriptor.sha256);
    }
    return roots;
  }

  async #fetch(
    path: string,
    known: BlobRef | undefined,
    signal: AbortSignal,
  ): Promise<{ readonly kind: 'held'; readonly blob: BlobRef } | { readonly kind: 'problem'; readonly problem: TrustProblem }> {
    try {
      const info = await this.#online.targetInfo(path, signal);
      if (info === undefined) {
        const message = `the vendor's repository has no ${path}: the vendor does not publish it, or the product is misspelt in this site's configuration`;
        return { kind: 'problem', problem: { code: 'NOT_FOUND', message } };
      }
      if (known !== undefined && names(info, known) && (await this.#options.blobs.has(known.sha256))) return { kind: 'held', blob: known };
      const bytes = await this.#online.fetchTarget(path, signal);
      parserOf(path)(bytes);
      return { kind: 'held', blob: await this.#options.blobs.putBytes(bytes) };
    } catch (error) {
      signal.throwIfAborted();
      return { kind: 'problem', problem: problemOf(error) };
    }
  }

  async #fetchDescriptors(targets: Readonly<Record<string, BlobRef>>, signal: AbortSignal): Promise<readonly DocumentProblem[]> {
    const problems: DocumentProblem[] = [];
    for (const product of productsOf(targets)) {
      const blob = targets[cataloguePath(product)];
      if (blob === undefined) continue;
      const catalogue = await this.#read<Catalogue>(blob, parseCatalogue);
      problems.push(...(await fetchDescriptors(catalogue, this.#options.blobs, this.#options.content, signal)));
    }
    return problems;
  }

  async #judgeWhole(time: EpochMs): Promise<TrustProblem | undefined> {
    try {
      await this.#stored.openStored(time);
      return undefined;
    } catch (error) {
      if (!(error instanceof TrustError)) throw error;
      return problemOf(error);
    }
  }

  async #judgeProduct(
    product: ProductId,
    targets: Readonly<Record<string, BlobRef>>,
    whole: TrustProblem | undefined,
  ): Promise<TrustedProduct | undefined> {
    const blob = targets[cataloguePath(product)];
    if (blob === undefined) return undefined;
    const catalogue = await this.#read<Catalogue>(blob, parseCatalogue);
    const problem = whole ?? (await this.#judgeTarget(cataloguePath(product), blob));
    return {
      product,
      catalogue,
      descriptors: await this.#descriptors(catalogue),
      rollout: await this.#judgeRollout(product, targets[rolloutPath(product)], whole),
      ...(problem === undefined ? {} : { problem }),
    };
  }

  async #judgeRollout(product: ProductId, blob: BlobRef | undefined, whole: TrustProblem | undefined): Promise<RolloutInput> {
    if (blob === undefined) return { kind: 'absent', why: 'missing' };
    const problem = whole ?? (await this.#judgeTarget(rolloutPath(product), blob));
    if (problem !== undefined) return { kind: 'absent', why: problem.code === 'EXPIRED' ? 'expired' : 'missing' };
    return { kind: 'rollout', rollout: await this.#read<Rollout>(blob, parseRollout) };
  }

  /** Why a document that was verified once does not count now; undefined when it does. */
  async #judgeTarget(path: string, blob: BlobRef): Promise<TrustProblem | undefined> {
    try {
      const info = await this.#stored.targetInfo(path, new AbortController().signal);
      if (info !== undefined && names(info, blob)) return undefined;
      const message = `the ${path} held here is not the one that the newest metadata name: the next exchange fetches it`;
      return { code: 'OUTDATED', message };
    } catch (error) {
      if (!(error instanceof TrustError)) throw error;
      return problemOf(error);
    }
  }

  async #descriptors(catalogue: Catalogue): Promise<ReadonlyMap<PackageGuid, PackageDescriptor>> {
    const held = await this.#options.blobs.held(catalogue.packages.map(({ descriptor }) => descriptor.sha256));
    const descriptors = new Map<PackageGuid, PackageDescriptor>();
    for (const { guid, descriptor } of catalogue.packages) {
      if (!held.has(descriptor.sha256)) continue;
      try {
        descriptors.set(guid, await this.#read<PackageDescriptor>(descriptor, parseDescriptor));
      } catch (error) {
        // A descriptor of a newer kind than this program knows: its package alone is unavailable.
        this.#options.log.debug('The descriptor of {guid} cannot be understood: {err}', { guid, err: messageOf(error) });
      }
    }
    return descriptors;
  }

  async #read<T>(blob: BlobRef, parse: (bytes: Uint8Array) => T): Promise<T> {
    const known = this.#parsed.get(blob.sha256);
    if (known !== undefined) return known as T;
    const value = parse(await this.#options.blobs.readBytes(blob.sha256, blob.sizeBytes));
    if (this.#parsed.size >= parsedMax) this.#parsed.clear();
    this.#parsed.set(blob.sha256, value);
    return value;
  }

  #index(): TrustedIndex {
    const stored = this.#options.database.read(({ settings }) => settings.get(settingName)) as TrustedIndex | undefined;
    return stored ?? { schema: 1, refreshedAt: 0, targets: {} };
  }

  #keepIndex(targets: Readonly<Record<string, BlobRef>>): void {
    const index: TrustedIndex = { schema: 1, refreshedAt: this.#options.clock.now(), targets };
    this.#options.database.write(({ settings }) => settings.put(settingName, index));
  }

  async #whileRefreshing<T>(work: () => Promise<T>): Promise<T> {
    this.#refreshing = true;
    try {
      return await work();
    } finally {
      this.#refreshing = false;
    }
  }

  #exclusively<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work);
    // The next one in the queue does not care how this one ended; its caller hears it.
    this.#last = result.catch(() => undefined);
    return result;
  }
}

/** Documents kept parsed; a catalogue of more packages is parsed again and again, but nothing grows without end. */
const parsedMax = 4_096;

function parserOf(path: string): (bytes: Uint8Array) => unknown {
  if (path === servicePath) return parseServiceInfo;
  return path.startsWith('catalog/') ? parseCatalogue : parseRollout;
}

function productsOf(targets: Readonly<Record<string, BlobRef>>): readonly ProductId[] {
  return Object.keys(targets).flatMap((path) => (path.startsWith('catalog/') ? [path.slice('catalog/'.length, -'.json'.length) as ProductId] : []));
}

function names(info: TargetFile, blob: BlobRef): boolean {
  const sha256 = info.hashes.get('sha256');
  return sha256 !== undefined && digest(sha256) === blob.sha256 && info.lengthBytes === blob.sizeBytes;
}

function problemOf(error: unknown): TrustProblem {
  return { code: error instanceof SallyportError ? error.code : 'FAILED', message: messageOf(error) };
}
