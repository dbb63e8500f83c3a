import { downwardKinds, upwardKinds } from '@sallyport/core/domain/sites/record-flow';
import type { ReplicatedRecord } from '@sallyport/core/domain/sites/site';
import type { SiteCode } from '@sallyport/core/shared/ids';
import { linkLimits } from '@sallyport/core/wire/link';
import type { Change, RecordReads } from '../../ports/site-database.ts';

/** Whether a commit may have brought something for the sites below one with these ancestors. */
export function mayGoDown(
  { records, updates }: Change,
  self: SiteCode,
  ancestors: readonly SiteCode[],
): boolean {
  return downwardKinds.some((kind) =>
    kind === 'update-event' ? [self, ...ancestors].some((site) => updates.has(site)) : records.has(kind),
  );
}

/** Whether a commit may have brought something for the site above one with these ancestors. */
export function mayGoUp({ records, updates }: Change, ancestors: readonly SiteCode[]): boolean {
  for (const kind of records) if (kind !== 'update-event' && upwardKinds.has(kind)) return true;
  for (const site of updates) if (!ancestors.includes(site)) return true;
  return false;
}

/** The next records for one link, and how far reading got. */
export interface OutgoingBatch {
  readonly records: readonly ReplicatedRecord[];
  /** Arrival number of the last record looked at, whether it goes over the link or not. */
  readonly cursor: number;
  /** Nothing is left after the cursor. */
  readonly complete: boolean;
}

/**
 * Reads what goes over a link after `after`, in order, up to the limits of one message. Memory stays bounded however
 * long the peer was away.
 */
export function readBatch(
  records: RecordReads,
  after: number,
  goes: (record: ReplicatedRecord) => boolean,
): OutgoingBatch {
  const page = records.after(after, linkLimits.batchRecordsMax);
  const batch: ReplicatedRecord[] = [];
  let sizeBytes = 0;
  let cursor = after;
  for (const { arrival, record } of page) {
    cursor = arrival;
    if (goes(record)) {
      batch.push(record);
      sizeBytes += JSON.stringify(record).length;
      if (sizeBytes > linkLimits.batchMaxBytes) {
        return { records: batch, cursor, complete: false };
      }
    }
  }
  return { records: batch, cursor, complete: page.length < linkLimits.batchRecordsMax };
}
