import { ContentError, isWrongBytes } from '@sallyport/core/domain/content/content-error';
import type { Route, SegmentStep } from '@sallyport/core/domain/content/route';
import type { BlobRef } from '@sallyport/core/domain/content/tree';
import { messageOf } from '@sallyport/core/shared/errors';
import type { Blobs } from '../../ports/blobs.ts';
import type { Compute } from '../../ports/compute.ts';
import type { ContentSource } from '../../ports/content-source.ts';
import type { Log } from '../../ports/log.ts';
import type { BlobDownload, DownloadWatch } from './blob-download.ts';

export interface SegmentFetchPorts {
  readonly blobs: Blobs;
  readonly compute: Compute;
  readonly log: Log;
  readonly download: BlobDownload;
}

/**
 * Brings one segment, or a document, into the library along the first of its routes that leads there. What was
 * fetched to unpack it stays in the library: child sites may go the same way.
 */
export class SegmentFetch {
  readonly #ports: SegmentFetchPorts;

  constructor(ports: SegmentFetchPorts) {
    this.#ports = ports;
  }

  /** Answers the kind of route that was taken. @throws {ContentError} of the last route, or of the disk */
  async fetch(
    step: SegmentStep,
    source: ContentSource,
    watch: DownloadWatch,
    signal: AbortSignal,
  ): Promise<Route['kind']> {
    const routes = [step.route, ...step.fallbacks];
    for (const [index, route] of routes.entries()) {
      try {
        await this.#take(route, step.segment, source, watch, signal);
        return route.kind;
      } catch (failure) {
        signal.throwIfAborted();
        const next = routes[index + 1];
        if (next === undefined || !mayGoAnotherWay(failure)) {
          throw failure;
        }
        this.#ports.log.warn('Content {sha256} cannot be had by {route}, trying {next}: {error}', {
          sha256: step.segment.sha256,
          route: route.kind,
          next: next.kind,
          error: messageOf(failure),
        });
      }
    }
    throw new ContentError('UNOBTAINABLE', `there is no way to segment ${step.segment.sha256}`, {
      sha256: step.segment.sha256,
    });
  }

  async #take(
    route: Route,
    segment: BlobRef,
    source: ContentSource,
    watch: DownloadWatch,
    signal: AbortSignal,
  ): Promise<void> {
    const { blobs, compute, download } = this.#ports;
    if (route.kind === 'patch' && !(await blobs.has(route.base.sha256))) {
      throw new ContentError(
        'NOT_HELD',
        `the content that ${segment.sha256} builds on, ${route.base.sha256}, is not in the library`,
        {
          sha256: route.base.sha256,
        },
      );
    }
    await download.fetch(route.blob, source, watch, signal);
    if (route.kind === 'raw') {
      return;
    }
    const base =
      route.kind === 'patch'
        ? { dictionary: blobs.pathOf(route.base.sha256), windowLog: route.windowLog }
        : {};
    try {
      await blobs.ingest(async (target) => {
        await compute.decompressFile(
          { source: blobs.pathOf(route.blob.sha256), target, expected: segment, ...base },
          signal,
        );
        return segment;
      });
    } catch (failure) {
      if (isWrongBytes(failure)) {
        await this.#dropDamaged(route, signal);
      }
      throw failure;
    }
  }

  /** The encoding or what it builds on is wrong. The base goes when its bytes are not its own any more; the encoding in any case. */
  async #dropDamaged(route: Exclude<Route, { readonly kind: 'raw' }>, signal: AbortSignal): Promise<void> {
    const { blobs, compute, log } = this.#ports;
    await blobs.remove(route.blob.sha256);
    if (route.kind === 'patch') {
      const { sha256 } = await compute.hashFile(blobs.pathOf(route.base.sha256), signal);
      if (sha256 !== route.base.sha256) {
        log.error('Content {sha256} was damaged on disk and has been removed from the library', {
          sha256: route.base.sha256,
        });
        await blobs.remove(route.base.sha256);
      }
    }
  }
}

/** What another route may get around: wrong or missing bytes, not a dead line or a full disk. */
function mayGoAnotherWay(thrown: unknown): boolean {
  return (
    isWrongBytes(thrown) ||
    (thrown instanceof ContentError &&
      ['NOT_FOUND', 'NOT_HELD', 'BAD_STATUS', 'CUT_SHORT', 'REDIRECTED'].includes(thrown.code))
  );
}
