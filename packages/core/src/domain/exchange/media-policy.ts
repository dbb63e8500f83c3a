/**
 * Body of the record `media-policy`: how long past their expiry the timestamp and the snapshot that came on a medium
 * still count, and whose decision that is. Travels down, for every site judges the vendor's metadata itself.
 */
export interface MediaPolicy {
  readonly schema: 1;
  readonly maxAgeMs: number;
  readonly changedAt: string;
  readonly changedBy: string;
}
