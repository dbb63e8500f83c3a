import type { EpochMs } from '../../shared/ids.ts';
import type { Metadata } from './documents.ts';
import { TrustError } from './trust-error.ts';

/*
 * The rules that hold for every role alike: expiry, order of versions, and what their errors say.
 */

/** The time that expiry is judged by; read once for a whole refresh (TUF 5.1). */
export interface TrustTime {
  readonly referenceTimeMs: EpochMs;
  /** How long past their expiry timestamp and snapshot still count, for sites without a line. Never root or targets. */
  readonly stalenessMs?: number;
}

/** From the very moment that it names (TUF 5.3.10, 5.4.4, 5.5.6, 5.6.5). */
export function isExpired(document: Metadata, time: TrustTime): boolean {
  const mayBeStale = document.type === 'timestamp' || document.type === 'snapshot';
  const graceMs = mayBeStale ? (time.stalenessMs ?? 0) : 0;
  return time.referenceTimeMs >= document.expiresMs + graceMs;
}

/** @throws {TrustError} EXPIRED */
export function requireFresh(role: string, document: Metadata, time: TrustTime): void {
  if (!isExpired(document, time)) return;
  const expiredAt = new Date(document.expiresMs).toISOString();
  throw new TrustError(
    'EXPIRED',
    `${role} version ${document.version} expired at ${expiredAt}: nothing new is believed until the publisher signs a newer one; if that cannot be, check the clock here`,
    {
      role,
      version: document.version,
      expiredAt,
      referenceTimeMs: time.referenceTimeMs,
    },
  );
}

/** @throws {TrustError} ROLLED_BACK when something is gone, or older than what was trusted */
export function requireNoRollback(what: string, trusted: number, offered: number | undefined): void {
  if (offered === undefined || offered < trusted) {
    const came = offered === undefined ? 'is gone' : `came with version ${offered}`;
    throw new TrustError(
      'ROLLED_BACK',
      `${what} ${came}, but version ${trusted} was trusted already: an old repository is being served; use another source, or tell the publisher`,
      {
        role: what,
        trustedVersion: trusted,
        ...(offered === undefined ? {} : { version: offered }),
      },
    );
  }
}

/** @throws {TrustError} WRONG_VERSION */
export function requireVersion(role: string, namedBy: string, expected: number, actual: number): void {
  if (actual !== expected) {
    throw new TrustError(
      'WRONG_VERSION',
      `${role} has version ${actual}, but the trusted ${namedBy} names version ${expected}: the repository mixes versions; try again after it is published whole`,
      {
        role,
        version: actual,
        expectedVersion: expected,
      },
    );
  }
}

/** The error for a role that has to be believed first. */
export function missing(role: string): TrustError {
  return new TrustError('NOT_FOUND', `no trusted ${role} is here yet: refresh from a source first`, { role });
}

/** The error for a mistake of the caller. */
export function outOfOrder(what: string): TrustError {
  return new TrustError('OUT_OF_ORDER', `trusted metadata was updated out of order: ${what}`);
}
