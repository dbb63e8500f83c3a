import { ContentError } from '@sallyport/core/domain/content/content-error';
import {
  type FetchPlan,
  planRoutes,
  segmentsOf,
  type SegmentStep,
} from '@sallyport/core/domain/content/route';
import { encodingsDocumentMaxBytes, treeDocumentMaxBytes } from '@sallyport/core/domain/content/tree-rules';
import type { Encodings, Tree } from '@sallyport/core/domain/content/tree';
import type { PackageContent } from '@sallyport/core/domain/updates/package';
import { forEachBounded } from '@sallyport/core/shared/bounded';
import { messageOf } from '@sallyport/core/shared/errors';
import type { Digest } from '@sallyport/core/shared/ids';
import type { Blobs } from '../../ports/blobs.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Compute } from '../../ports/compute.ts';
import type { ContentSource } from '../../ports/content-source.ts';
import type { Log } from '../../ports/log.ts';
import type { Random } from '../../ports/random.ts';
import { BlobDownload, type RetryNotice } from './blob-download.ts';
import { blobsOf, DocumentFetch, documentsOf, type PackageDocument } from './document-fetch.ts';
import { type FetchProgress, ProgressMeter, type RouteCounts } from './fetch-progress.ts';
import { readEncodings, readTree } from './package-documents.ts';
import { defaultRetry, type RetryLimits } from './retry.ts';
import { SegmentFetch } from './segment-fetch.ts';

export interface PackageFetcherOptions {
  readonly blobs: Blobs;
  readonly compute: Compute;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Segments that are fetched at a time. 4 when not given. */
  readonly parallel?: number;
  readonly retry?: RetryLimits;
}

/** A package whose content is all in the library. */
export interface FetchedPackage {
  /** What came over the wire, documents and failed attempts included. */
  readonly receivedBytes: number;
  /** Of all files of the release. */
  readonly totalBytes: number;
  readonly routes: RouteCounts;
}

export interface FetchWatch {
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: FetchProgress) => void;
  readonly onRetry?: (notice: RetryNotice) => void;
}

interface Fetching {
  readonly content: PackageContent;
  readonly source: ContentSource;
  readonly meter: ProgressMeter;
  readonly onRetry: (notice: RetryNotice) => void;
  readonly signal: AbortSignal;
  /** Digests that must not be collected meanwhile. */
  readonly used: Set<Digest>;
}

const tickEveryMs = 1_000;

/**
 * Fetches the content of packages into the library: the tree, the ways to its segments, and each missing
 * segment by the cheapest way, several at a time. Whatever ended a fetch, the next one goes on with what is
 * there, down to the byte. Resolves when all segments are held, verified and durable.
 */
export class PackageFetcher {
  readonly #options: PackageFetcherOptions;
  readonly #download: BlobDownload;
  readonly #segmentFetch: SegmentFetch;
  readonly #documentFetch: DocumentFetch;
  readonly #used = new Set<ReadonlySet<Digest>>();

  constructor(options: PackageFetcherOptions) {
    this.#options = options;
    this.#download = new BlobDownload(options, options.retry ?? defaultRetry);
    this.#segmentFetch = new SegmentFetch({ ...options, download: this.#download });
    this.#documentFetch = new DocumentFetch({
      blobs: options.blobs,
      download: this.#download,
      segmentFetch: this.#segmentFetch,
    });
  }

  /** Whether a fetch under way needs this digest: collection leaves it alone. */
  isInUse(sha256: Digest): boolean {
    return this.#used.values().some((used) => used.has(sha256));
  }

  /**
   * @throws {ContentError} UNOBTAINABLE when the source has no way to a segment; else what the source, the library
   * or the documents say, after retries where they may help
   */
  async fetch(content: PackageContent, source: ContentSource, watch: FetchWatch): Promise<FetchedPackage> {
    const meter = new ProgressMeter(
      this.#options.clock,
      content.totalBytes,
      watch.onProgress ?? (() => undefined),
    );
    const documents = documentsOf(content);
    const used = new Set<Digest>(Object.values(documents).flatMap(blobsOf));
    const fetching = {
      content,
      source,
      meter,
      onRetry: watch.onRetry ?? (() => undefined),
      signal: watch.signal,
      used,
    };
    this.#used.add(used);
    const ended = new AbortController();
    const ticking = this.#tick(meter, ended.signal);
    try {
      const offered = await this.#documentFetch.offered(
        Object.values(documents),
        source,
        fetching,
        watch.signal,
      );
      const tree = await this.#tree(fetching, documents.tree, offered);
      const encodings = await this.#encodings(fetching, documents.encodings, offered, tree);
      const plan = await this.#plan(fetching, tree, encodings);
      meter.planned(tree, plan);
      this.#options.log.info(
        '{missing} of {segments} segments of tree {tree} are missing: {bytes} bytes to fetch from {source}',
        {
          missing: plan.steps.length,
          segments: plan.steps.length + plan.held.length,
          tree: content.tree.sha256,
          bytes: plan.plannedBytes,
          source: source.name,
        },
      );
      await this.#run(fetching, plan);
      await this.#checkHeld(tree);
    } finally {
      this.#used.delete(used);
      ended.abort();
      await ticking;
    }
    return { receivedBytes: meter.receivedBytes, totalBytes: content.totalBytes, routes: meter.routes };
  }

  /** Bytes that stop coming say nothing by themselves: whoever watches is told by the clock. */
  async #tick(meter: ProgressMeter, ended: AbortSignal): Promise<void> {
    while (!ended.aborted) {
      await this.#options.clock.sleep(tickEveryMs, ended).catch(() => undefined);
      if (!ended.aborted) meter.tick();
    }
  }

  async #tree(fetching: Fetching, document: PackageDocument, offered: ReadonlySet<Digest>): Promise<Tree> {
    return this.#document(fetching, document, offered, treeDocumentMaxBytes, () =>
      readTree(fetching.content, this.#options.blobs),
    );
  }

  /** Encodings only save bytes: a source without them, or a mistake in them, makes a fetch dearer and not impossible. */
  async #encodings(
    fetching: Fetching,
    document: PackageDocument,
    offered: ReadonlySet<Digest>,
    tree: Tree,
  ): Promise<Encodings | undefined> {
    const { content, source } = fetching;
    const { blobs, log } = this.#options;
    try {
      if (!(await this.#documentFetch.isObtainable(document, offered))) {
        log.info('{source} does not offer the encodings of tree {tree}: segments come as they are', {
          source: source.name,
          tree: content.tree.sha256,
        });
        return undefined;
      }
      return await this.#document(fetching, document, offered, encodingsDocumentMaxBytes, () =>
        readEncodings(content, tree, blobs),
      );
    } catch (failure) {
      if (failure instanceof ContentError && (failure.code === 'NOT_FOUND' || failure.code === 'CORRUPT')) {
        log.warn('The encodings of tree {tree} cannot be used, segments come as they are: {error}', {
          tree: content.tree.sha256,
          error: messageOf(failure),
        });
        return undefined;
      }
      throw failure;
    }
  }

  /** Fetches a document unless it is held; one that was damaged on disk is fetched anew. */
  async #document<T>(
    { source, meter, onRetry, signal }: Fetching,
    document: PackageDocument,
    offered: ReadonlySet<Digest>,
    sizeMaxBytes: number,
    read: () => Promise<T>,
  ): Promise<T> {
    const { blob } = document;
    if (blob.sizeBytes > sizeMaxBytes) {
      throw new ContentError(
        'TOO_LARGE',
        `document ${blob.sha256} is ${String(blob.sizeBytes)} bytes, more than the ${String(sizeMaxBytes)} allowed`,
        {
          sha256: blob.sha256,
        },
      );
    }
    const watch = { onBytes: (count: number) => meter.received(count), onRetry };
    await this.#documentFetch.fetch(document, offered, source, watch, signal);
    try {
      return await read();
    } catch (failure) {
      if (failure instanceof ContentError && failure.code === 'HASH_MISMATCH') {
        await this.#options.blobs.remove(blob.sha256);
        await this.#documentFetch.fetch(document, offered, source, watch, signal);
        return read();
      }
      throw failure;
    }
  }

  async #offers(
    { source, onRetry, signal }: Fetching,
    digests: readonly Digest[],
  ): Promise<ReadonlySet<Digest>> {
    return this.#download.offers(digests, source, { onRetry }, signal);
  }

  async #plan(fetching: Fetching, tree: Tree, encodings: Encodings | undefined): Promise<FetchPlan> {
    const { blobs } = this.#options;
    const { source, used } = fetching;
    const segments = segmentsOf(tree).map((segment) => segment.sha256);
    const heldSegments = await blobs.held(segments);
    const missing = new Set(segments.filter((sha256) => !heldSegments.has(sha256)));
    const ways = (encodings?.segments ?? [])
      .filter(({ segment }) => missing.has(segment.sha256))
      .flatMap((entry) => entry.encodings);
    const encoded = ways.map(({ blob }) => blob.sha256);
    const bases = ways.flatMap((way) => (way.kind === 'zstd-patch' ? [way.base.sha256] : []));
    for (const sha256 of [...segments, ...encoded, ...bases]) {
      used.add(sha256);
    }
    // Only now, when collection leaves them alone, is what is held sure to stay.
    const held = await blobs.held([...new Set([...segments, ...encoded, ...bases])]);
    const offered = await this.#offers(
      fetching,
      [...new Set([...missing, ...encoded])].filter((sha256) => !held.has(sha256)),
    );
    const plan = planRoutes({ tree, held, offered, ...(encodings === undefined ? {} : { encodings }) });
    const [first] = plan.unobtainable;
    if (first !== undefined) {
      throw new ContentError(
        'UNOBTAINABLE',
        `${source.name} has no way to ${String(plan.unobtainable.length)} of ${String(segments.length)} segments (first: ${first.sha256}): ` +
          'it may not have them yet; it is asked again later',
        { source: source.name, missing: plan.unobtainable.length, sha256: first.sha256 },
      );
    }
    return plan;
  }

  /** Steps come bases first, and are begun in that order: whoever waits for its base waits for one that runs. */
  async #run(fetching: Fetching, plan: FetchPlan): Promise<void> {
    const failing = new AbortController();
    const within = { ...fetching, signal: AbortSignal.any([fetching.signal, failing.signal]) };
    const done = new Map<Digest, Promise<void>>();
    await forEachBounded(plan.steps, this.#options.parallel ?? 4, async (step) => {
      const fetched = this.#step(within, step, done);
      done.set(step.segment.sha256, fetched);
      try {
        await fetched;
      } catch (failure) {
        failing.abort(failure);
        throw failure;
      }
    });
  }

  async #step(
    { source, meter, onRetry, signal }: Fetching,
    step: SegmentStep,
    done: ReadonlyMap<Digest, Promise<void>>,
  ): Promise<void> {
    if (step.route.kind === 'patch') {
      await done.get(step.route.base.sha256);
    }
    meter.begin(step);
    const watch = { onBytes: (count: number) => meter.received(count, step.segment), onRetry };
    meter.end(step, await this.#segmentFetch.fetch(step, source, watch, signal));
  }

  async #checkHeld(tree: Tree): Promise<void> {
    const segments = segmentsOf(tree);
    const held = await this.#options.blobs.held(segments.map((segment) => segment.sha256));
    const lost = segments.find((segment) => !held.has(segment.sha256));
    if (lost !== undefined) {
      throw new ContentError(
        'NOT_HELD',
        `segment ${lost.sha256} was removed from the library while others were fetched: fetch again`,
        {
          sha256: lost.sha256,
        },
      );
    }
  }
}
