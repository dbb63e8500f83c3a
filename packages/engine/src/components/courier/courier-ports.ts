import type { MediumChoice, MediumHierarchy, MetadataVersions } from '@sallyport/core/domain/exchange/medium';
import type { SignatureCheck } from '@sallyport/core/domain/trust/key';
import type { Blobs } from '../../ports/blobs.ts';
import type { Clock } from '../../ports/clock.ts';
import type { ContentSource } from '../../ports/content-source.ts';
import type { Digests } from '../../ports/digests.ts';
import type { Log } from '../../ports/log.ts';
import type { MediumFolder, PartArchives } from '../../ports/media.ts';
import type { Random } from '../../ports/random.ts';
import type { RepositorySource } from '../../ports/repository.ts';
import type { VendorExchange } from '../../ports/vendor-exchange.ts';

/** One part of a medium that is being written. */
export interface MediumPart {
  readonly folder: MediumFolder;
  readonly blobs: Blobs;
}

/** Where a medium is written: one folder, or one for each part. */
export interface MediumParts {
  /** Parts that an earlier run has made. */
  readonly count: number;
  /** Opens a part, or makes it; from 1. @throws {ContentError} what its disk says */
  open(part: number): Promise<MediumPart>;
}

/** Everything that a courier works with, where there is internet. */
export interface CourierPorts {
  readonly archives: PartArchives;
  readonly parts: MediumParts;
  /** Opened once it is known which vendor the requests are for. */
  readonly vendor: (url: string) => VendorWays;
  readonly check: SignatureCheck;
  readonly digests: Digests;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** The ways to one vendor. */
export interface VendorWays {
  readonly exchange: VendorExchange;
  readonly repository: RepositorySource;
  readonly content: ContentSource;
}

export interface CourierTask {
  /** Request files. */
  readonly requests: readonly string[];
  /** In place of what the requests say. */
  readonly vendorUrl?: string;
  /** In place of what each request asks for. */
  readonly choice?: MediumChoice;
  /** Of one part. */
  readonly partMaxBytes?: number;
  /** In place of the roots that the requests bring. */
  readonly trustRoot?: Uint8Array;
  /** Nothing is sent, and no more is fetched than is needed to tell how much there is to bring. */
  readonly planOnly?: true;
}

/** How far the download has come. */
export interface CourierProgress {
  readonly doneBytes: number;
  readonly totalBytes: number;
  readonly bytesPerSecond: number;
  readonly remainingMs?: number;
}

/** What a trip came to. */
export interface CourierResult {
  readonly vendor: { readonly name: string; readonly url: string };
  readonly metadata: MetadataVersions;
  readonly parts: number;
  readonly complete: boolean;
  readonly hierarchies: readonly (MediumHierarchy & {
    readonly receipts: number;
    readonly offer: boolean;
  })[];
  /** All hierarchies together, each blob once. */
  readonly blobs: number;
  readonly sizeBytes: number;
  /** What this run fetched of them. */
  readonly fetchedBytes: number;
  readonly notes: readonly string[];
}
