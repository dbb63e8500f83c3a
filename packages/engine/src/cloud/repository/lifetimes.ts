import { days } from '@sallyport/core/shared/units';
import type { RepositoryRole } from './state.ts';

/**
 * How long a signature of each role counts.
 *
 * - root and targets, a year: only ceremonies touch them, and a site in a drawer finds every root in between anyway
 * - the catalogue, 90 days: its keys come out for each publication, so a vendor who is alive signs more often
 * - the roll-out, 90 days: what bounds a replayed one is the timestamp; it must not end an offline medium before the
 *   catalogue does, because only timestamp and snapshot can be given a longer life offline
 * - the snapshot, 7 days, and the timestamp, one: how long somebody in the middle can hide what is new
 */
export const defaultLifetimesMs: Readonly<Record<RepositoryRole, number>> = {
  root: days(365),
  targets: days(365),
  catalog: days(90),
  rollout: days(90),
  snapshot: days(7),
  timestamp: days(1),
};

/** The part of its life that an online role has left when the service signs it anew. */
const onlineShareLeft = 1 / 2;
/** The part of its life that an offline role has left when people are asked to sign it anew. */
const offlineShareLeft = 1 / 3;

/** From when on a role should be signed anew. */
export function renewalDueAt(
  role: RepositoryRole,
  expiresMs: number,
  lifetimesMs: Readonly<Record<RepositoryRole, number>>,
): number {
  const online = role === 'snapshot' || role === 'timestamp' || role === 'rollout';
  return expiresMs - lifetimesMs[role] * (online ? onlineShareLeft : offlineShareLeft);
}
