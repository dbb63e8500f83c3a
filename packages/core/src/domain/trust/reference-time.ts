import type { EpochMs } from '../../shared/ids.ts';
import type { Metadata, Root } from './documents.ts';

/**
 * The time that trust is judged by: the clock, but never earlier than the newest signed time seen.
 * Setting a clock back therefore revives nothing that had expired.
 */
export function referenceTime(clockMs: EpochMs, floorMs: EpochMs): EpochMs {
  return Math.max(clockMs, floorMs);
}

/**
 * The time that a verified document proves to have passed; undefined when it does not say when it was signed.
 *
 * Capped just below the root's own expiry: a stolen online key could name a time far ahead, and then
 * nothing that the offline keys sign later would ever be fresh again here.
 */
export function signedTime(document: Metadata, root: Root): EpochMs | undefined {
  return document.issuedMs === undefined ? undefined : Math.min(document.issuedMs, root.expiresMs - 1);
}
