import { planBlobs } from '@sallyport/core/domain/content/route';
import type { BlobRef, Encoding } from '@sallyport/core/domain/content/tree';
import type { PackageContent } from '@sallyport/core/domain/updates/package';
import type { Digest } from '@sallyport/core/shared/ids';
import type { Blobs } from '../../ports/blobs.ts';
import type { ContentSource } from '../../ports/content-source.ts';
import type { BlobDownload, DownloadWatch } from './blob-download.ts';
import type { SegmentFetch } from './segment-fetch.ts';

export interface DocumentFetchPorts {
  readonly blobs: Blobs;
  readonly download: BlobDownload;
  readonly segmentFetch: SegmentFetch;
}

/** One of a package's two documents, and the ways to it other than as it is. */
export interface PackageDocument {
  readonly blob: BlobRef;
  readonly ways: readonly Encoding[];
}

/** A package's tree and encodings, as its descriptor names them. */
export function documentsOf(content: PackageContent): {
  readonly tree: PackageDocument;
  readonly encodings: PackageDocument;
} {
  const { tree, encodings, documentEncodings: ways } = content;
  return {
    tree: { blob: tree, ways: ways?.tree ?? [] },
    encodings: { blob: encodings, ways: ways?.encodings ?? [] },
  };
}

/** Everything that a document may be made of: itself, its encodings, and what they build on. */
export function blobsOf({ blob, ways }: PackageDocument): readonly Digest[] {
  return [
    blob.sha256,
    ...ways.flatMap((way) => [way.blob.sha256, ...(way.kind === 'zstd-patch' ? [way.base.sha256] : [])]),
  ];
}

/** Brings the documents of packages into the library, along the ways that segments take. */
export class DocumentFetch {
  readonly #ports: DocumentFetchPorts;

  constructor(ports: DocumentFetchPorts) {
    this.#ports = ports;
  }

  /** What the source can give of the documents that are missing, asked for in one go; nothing is asked when all are held. */
  async offered(
    documents: readonly PackageDocument[],
    source: ContentSource,
    watch: Pick<DownloadWatch, 'onRetry'>,
    signal: AbortSignal,
  ): Promise<ReadonlySet<Digest>> {
    const { blobs, download } = this.#ports;
    const held = await blobs.held(documents.flatMap(blobsOf));
    const wanted = documents
      .filter(({ blob }) => !held.has(blob.sha256))
      .flatMap(({ blob, ways }) => [blob, ...ways.map((way) => way.blob)])
      .filter(({ sha256 }) => !held.has(sha256));
    return download.offers([...new Set(wanted.map(({ sha256 }) => sha256))], source, watch, signal);
  }

  /**
   * Whether there is a way to a document: what `offered` answered counts, and what is held.
   */
  async isObtainable({ blob, ways }: PackageDocument, offered: ReadonlySet<Digest>): Promise<boolean> {
    return (await this.#plan({ blob, ways }, offered)).unobtainable.length === 0;
  }

  /**
   * Brings a document in unless it is held. What is not offered is asked for all the same, as it is: then the source
   * says what is wrong.
   *
   * @throws {ContentError} of the last way, after retries where they may help
   */
  async fetch(
    document: PackageDocument,
    offered: ReadonlySet<Digest>,
    source: ContentSource,
    watch: DownloadWatch,
    signal: AbortSignal,
  ): Promise<void> {
    const { steps, unobtainable } = await this.#plan(document, offered);
    for (const step of steps) {
      await this.#ports.segmentFetch.fetch(step, source, watch, signal);
    }
    for (const blob of unobtainable) {
      await this.#ports.download.fetch(blob, source, watch, signal);
    }
  }

  async #plan({ blob, ways }: PackageDocument, offered: ReadonlySet<Digest>) {
    const held = await this.#ports.blobs.held(blobsOf({ blob, ways }));
    return planBlobs({ wanted: [blob], ways: new Map([[blob.sha256, ways]]), held, offered });
  }
}
