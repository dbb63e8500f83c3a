import type { BlobRef } from '@sallyport/core/domain/content/tree';
import type { MediumHierarchy } from '@sallyport/core/domain/exchange/medium';
import type { Digest, HierarchyId } from '@sallyport/core/shared/ids';
import type { VerifiedAnswer } from '../dmp-downloader/answer.ts';
import type { CourierResult, MediumPart } from './courier-ports.ts';
import type { PartPlan } from './parts.ts';
import type { HierarchyPlan } from './plan.ts';
import type { OpenRequest } from './requests.ts';
import type { SentRequest } from './send.ts';
import type { VendorDocuments } from './vendor-documents.ts';

/** One hierarchy on this trip. */
export interface Stop {
  readonly opened: OpenRequest;
  readonly sent: SentRequest | undefined;
  readonly answer: VerifiedAnswer | undefined;
  readonly plan: HierarchyPlan;
  readonly problems: readonly string[];
}

/** What the index says of each hierarchy; `present`: what is on the parts. */
export function entriesOf(
  stops: readonly Stop[],
  present: ReadonlyMap<Digest, BlobRef>,
): readonly MediumHierarchy[] {
  return stops.map(({ opened: { request }, plan, problems }) => {
    const missing = [...plan.blobs.values()].filter(({ sha256 }) => !present.has(sha256));
    return {
      hierarchyId: request.hierarchyId,
      epoch: request.epoch,
      sequence: request.sequence,
      preparedAt: request.preparedAt,
      packages: plan.packages,
      blobs: plan.blobs.size,
      sizeBytes: sum(plan.blobs.values()),
      missingBlobs: missing.length + plan.unobtainable.length,
      missingBytes: sum(missing) + sum(plan.unobtainable),
      problems: problems.slice(0, 100).map((problem) => problem.slice(0, 2000)),
    };
  });
}

/** What a trip came to. */
export function resultOf(
  vendor: CourierResult['vendor'],
  { versions }: VendorDocuments,
  stops: readonly Stop[],
  notes: readonly string[],
  made: {
    readonly parts: readonly MediumPart[];
    readonly dealt: PartPlan;
    readonly wanted: ReadonlyMap<Digest, BlobRef>;
    readonly present: ReadonlyMap<Digest, BlobRef>;
    readonly fetchedBytes: number;
  },
): CourierResult {
  const answers = new Map<HierarchyId, VerifiedAnswer | undefined>(
    stops.map(({ opened, answer }) => [opened.request.hierarchyId, answer]),
  );
  const hierarchies = entriesOf(stops, made.present).map((entry) => {
    const answer = answers.get(entry.hierarchyId);
    return { ...entry, receipts: answer?.receipts.length ?? 0, offer: answer?.offer !== undefined };
  });
  return {
    vendor,
    metadata: versions,
    parts: made.parts.length,
    complete: hierarchies.every(({ missingBlobs, problems }) => missingBlobs === 0 && problems.length === 0),
    hierarchies,
    blobs: made.wanted.size,
    sizeBytes: sum(made.wanted.values()),
    fetchedBytes: made.fetchedBytes,
    notes,
  };
}

/** Bytes of blobs together. */
export function sum(blobs: Iterable<BlobRef>): number {
  let sizeBytes = 0;
  for (const blob of blobs) sizeBytes += blob.sizeBytes;
  return sizeBytes;
}
