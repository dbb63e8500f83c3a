import { ContentError } from '@sallyport/core/domain/content/content-error';
import type { BlobRef } from '@sallyport/core/domain/content/tree';
import type { SignatureCheck } from '@sallyport/core/domain/trust/key';
import { referenceTime } from '@sallyport/core/domain/trust/reference-time';
import { TrustError } from '@sallyport/core/domain/trust/trust-error';
import type { Catalogue, Rollout, ServiceInfo } from '@sallyport/core/domain/updates/package';
import type { Digest, EpochMs, ProductId } from '@sallyport/core/shared/ids';
import { parseCatalogue } from '@sallyport/core/wire/catalogue';
import type { Blobs } from '../../ports/blobs.ts';
import type { Clock } from '../../ports/clock.ts';
import type { ContentSource } from '../../ports/content-source.ts';
import type { Digests } from '../../ports/digests.ts';
import type { Log } from '../../ports/log.ts';
import type { RepositorySource } from '../../ports/repository.ts';
import type { SiteDatabase } from '../../ports/site-database.ts';
import type { TrustStore } from '../../ports/trust-store.ts';
import { KnownMetadata } from '../trust/known-metadata.ts';
import { TrustRefresher } from '../trust/refresher.ts';
import { fetchDescriptors } from './descriptor-fetch.ts';
import { names, problemOf, rolloutInput, unlessDamaged } from './document-judgement.ts';
import { cataloguePath, parserOf, productsOf, rolloutPath, servicePath } from './document-paths.ts';
import { DocumentStore } from './document-store.ts';
import type { DocumentProblem, TrustedProduct, TrustedView, TrustProblem } from './trusted-view.ts';

export interface TrustedDocumentsOptions {
  readonly database: SiteDatabase;
  readonly blobs: Blobs;
  readonly trust: TrustStore;
  readonly check: SignatureCheck;
  /** What others at this site have read and checked as well; one of its own when not given. */
  readonly metadata?: KnownMetadata;
  readonly digests: Digests;
  readonly clock: Clock;
  readonly log: Log;
  /** Products that this site keeps up to date. */
  readonly products: readonly ProductId[];
  /** Where metadata come from: the cloud at the top-tier site, the parent elsewhere. */
  readonly source?: RepositorySource;
  /** Where descriptors come from, by digest. */
  readonly content?: ContentSource;
  /** How long past their expiry timestamp and snapshot still count (offline sites), asked anew each time. */
  readonly stalenessMs?: () => number;
}

/**
 * The vendor's signed documents as this site believes them: service facts, catalogues, roll-outs and package
 * descriptors. Keeps their bytes in the content library, so that children can have them from here.
 *
 * The only one at a site that touches its trust store; a refresh and a look never see each other's half.
 */
export class TrustedDocuments {
  readonly #options: TrustedDocumentsOptions;
  readonly #metadata: KnownMetadata;
  /** Judges what is stored, at the time of asking, and never reaches for the network. */
  readonly #stored: TrustRefresher;
  readonly #store: DocumentStore;
  #last: Promise<unknown> = Promise.resolve();
  #lastView: TrustedView | undefined;
  #refreshing = false;

  constructor(options: TrustedDocumentsOptions) {
    this.#options = options;
    this.#store = new DocumentStore(options);
    this.#metadata = options.metadata ?? new KnownMetadata(options);
    this.#stored = this.#refresher(undefined);
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
  refresh(
    signal: AbortSignal,
    extraProducts: readonly ProductId[] = [],
  ): Promise<readonly DocumentProblem[]> {
    return this.refreshFrom(this.#options, signal, extraProducts);
  }

  /**
   * As `refresh`, from another place than usual: a medium, say. What it carries is judged as what the usual one has.
   *
   * @throws {TrustError} {RepositorySourceError} also ROLLED_BACK when it is older than what is trusted already
   */
  refreshFrom(
    from: Pick<TrustedDocumentsOptions, 'content' | 'source'>,
    signal: AbortSignal,
    extraProducts: readonly ProductId[] = [],
  ): Promise<readonly DocumentProblem[]> {
    const work = (): Promise<readonly DocumentProblem[]> => this.#refresh(from, signal, extraProducts);
    return this.#exclusively(() => this.#whileRefreshing(work));
  }

  async #refresh(
    { source, content }: Pick<TrustedDocumentsOptions, 'content' | 'source'>,
    signal: AbortSignal,
    extraProducts: readonly ProductId[],
  ): Promise<readonly DocumentProblem[]> {
    const online = this.#refresher(source);
    await online.refresh(await this.referenceTime(), signal);
    const problems: DocumentProblem[] = [];
    const targets: Record<string, BlobRef> = { ...this.#store.index().targets };
    const products = new Set([...this.#options.products, ...extraProducts]);
    for (const path of [
      servicePath,
      ...[...products].flatMap((product) => [cataloguePath(product), rolloutPath(product)]),
    ]) {
      const outcome = await this.#fetch(online, path, targets[path], signal);
      if (outcome.kind === 'held') targets[path] = outcome.blob;
      else problems.push({ what: path, ...outcome.problem });
    }
    this.#store.keepIndex(targets);
    problems.push(...(await this.#fetchDescriptors(targets, content, signal)));
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
    this.#store.forgetUnused();
    const time = await this.referenceTime();
    const judged = await this.#judgeWhole(time);
    const { targets } = this.#store.index();
    const damaged: DocumentProblem[] = [];
    const products = new Map<ProductId, TrustedProduct>();
    for (const name of productsOf(targets)) {
      const catalogue = await this.#read<Catalogue>(cataloguePath(name), targets, damaged);
      const rollout = await this.#read<Rollout>(rolloutPath(name), targets, damaged);
      if (catalogue !== undefined)
        products.set(name, await this.#judgeProduct(name, catalogue, rollout, targets, judged));
    }
    const problem = judged ?? damaged.at(0);
    const service = await this.#read<ServiceInfo>(servicePath, targets, damaged);
    for (const product of products.values()) damaged.push(...(await this.#store.missing(product)));
    return {
      referenceTime: time,
      ...(service === undefined ? {} : { service }),
      products,
      damaged,
      ...(problem === undefined ? {} : { problem }),
    };
  }

  /** A held document; undefined when there is none, or when it cannot be read, which is added to `damaged`. */
  async #read<T>(
    path: string,
    targets: Readonly<Record<string, BlobRef>>,
    damaged: DocumentProblem[],
  ): Promise<T | undefined> {
    const blob = targets[path];
    if (blob === undefined) return undefined;
    const read = await unlessDamaged(() => this.#store.read(blob, parserOf(path)));
    if (read.kind === 'whole') return read.value as T;
    damaged.push({ what: path, ...read.problem });
    return undefined;
  }

  /**
   * Blobs that must stay: the documents themselves and every descriptor they name. Waits for a refresh under way,
   * whose blobs are held before anything names them.
   *
   * @throws {ContentError} NOT_HELD while a document cannot be read: what it names is not known, so nothing may go
   */
  roots(): Promise<ReadonlySet<Digest>> {
    return this.#exclusively(async () => {
      const view = await this.#look();
      this.#lastView = view;
      return this.#rootsOf(view);
    });
  }

  #rootsOf(view: TrustedView): ReadonlySet<Digest> {
    const { targets } = this.#store.index();
    const damaged = view.damaged.find(({ what }) => targets[what] !== undefined);
    if (damaged !== undefined) {
      const message = `what has to stay in the content library is not known: ${damaged.message}`;
      throw new ContentError('NOT_HELD', message, { document: damaged.what });
    }
    const roots = new Set<Digest>(Object.values(targets).map(({ sha256 }) => sha256));
    for (const { catalogue } of view.products.values()) {
      for (const { descriptor } of catalogue.packages) roots.add(descriptor.sha256);
    }
    return roots;
  }

  #refresher(source: RepositorySource | undefined): TrustRefresher {
    const { trust: store, check, digests, stalenessMs } = this.#options;
    return new TrustRefresher({
      store,
      check,
      digests,
      metadata: this.#metadata,
      ...(source === undefined ? {} : { source }),
      ...(stalenessMs === undefined ? {} : { stalenessMs }),
    });
  }

  async #fetch(
    online: TrustRefresher,
    path: string,
    known: BlobRef | undefined,
    signal: AbortSignal,
  ): Promise<
    | { readonly kind: 'held'; readonly blob: BlobRef }
    | { readonly kind: 'problem'; readonly problem: TrustProblem }
  > {
    try {
      const info = await online.targetInfo(path, signal);
      if (info === undefined) {
        const message = `the vendor's repository has no ${path}: the vendor does not publish it, or the product is misspelt in this site's configuration`;
        return { kind: 'problem', problem: { code: 'NOT_FOUND', message } };
      }
      if (known !== undefined && names(info, known) && (await this.#options.blobs.has(known.sha256)))
        return { kind: 'held', blob: known };
      const bytes = await online.fetchTarget(path, signal);
      parserOf(path)(bytes);
      return { kind: 'held', blob: await this.#options.blobs.putBytes(bytes) };
    } catch (error) {
      signal.throwIfAborted();
      return { kind: 'problem', problem: problemOf(error) };
    }
  }

  async #fetchDescriptors(
    targets: Readonly<Record<string, BlobRef>>,
    content: ContentSource | undefined,
    signal: AbortSignal,
  ): Promise<readonly DocumentProblem[]> {
    const problems: DocumentProblem[] = [];
    for (const product of productsOf(targets)) {
      const blob = targets[cataloguePath(product)];
      if (blob === undefined) continue;
      const catalogue = await unlessDamaged(() => this.#store.read(blob, parseCatalogue));
      if (catalogue.kind === 'damaged') {
        problems.push({ what: cataloguePath(product), ...catalogue.problem });
        continue;
      }
      const { blobs } = this.#options;
      problems.push(...(await fetchDescriptors(catalogue.value, blobs, content, signal)));
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
    catalogue: Catalogue,
    newestRollout: Rollout | undefined,
    targets: Readonly<Record<string, BlobRef>>,
    whole: TrustProblem | undefined,
  ): Promise<TrustedProduct> {
    const problem = whole ?? (await this.#judgeTarget(cataloguePath(product), targets));
    const ofRollout = whole ?? (await this.#judgeTarget(rolloutPath(product), targets));
    return {
      product,
      catalogue,
      descriptors: await this.#store.descriptors(catalogue),
      rollout: rolloutInput(newestRollout, ofRollout),
      ...(newestRollout === undefined ? {} : { newestRollout }),
      ...(problem === undefined ? {} : { problem }),
    };
  }

  /** Why a document that was verified once does not count now; undefined when it does. */
  async #judgeTarget(
    path: string,
    targets: Readonly<Record<string, BlobRef>>,
  ): Promise<TrustProblem | undefined> {
    const blob = targets[path];
    try {
      const info = await this.#stored.targetInfo(path, new AbortController().signal);
      if (blob !== undefined && info !== undefined && names(info, blob)) return undefined;
      const message = `the ${path} held here is not the one that the newest metadata name: the next exchange fetches it`;
      return { code: 'OUTDATED', message };
    } catch (error) {
      if (!(error instanceof TrustError)) throw error;
      return problemOf(error);
    }
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
