import { restoreRemedy } from './epoch.ts';
import { RecordError } from './record-error.ts';
import type { ReplicatedRecord } from './site.ts';

/** What orders the writes of one owner: a restore begins a higher epoch, each write is a higher n. */
export interface RecordVersion {
  readonly epoch: number;
  readonly n: number;
}

/** Everything of a record but its hash: what the hash is made of. */
export type RecordFields = Omit<ReplicatedRecord, 'hash'>;

/** Negative when `a` is older than `b`, zero when they are the same version. */
export function compareVersions(a: RecordVersion, b: RecordVersion): number {
  return a.epoch === b.epoch ? a.n - b.n : a.epoch - b.epoch;
}

/** What an offered record is to the one that is held under the same owner, kind and key. */
export type RecordVerdict = 'new' | 'newer' | 'same' | 'older' | 'fork';

/** Judges by versions alone, and by the hashes where versions are equal: equal version with another hash is a fork. */
export function judgeRecord(
  held: Pick<ReplicatedRecord, 'epoch' | 'n' | 'hash'> | undefined,
  offered: ReplicatedRecord,
): RecordVerdict {
  if (held === undefined) {
    return 'new';
  }
  const order = compareVersions(offered, held);
  if (order === 0) {
    return offered.hash === held.hash ? 'same' : 'fork';
  }
  return order > 0 ? 'newer' : 'older';
}

/**
 * The one of two records of the same owner, kind and key that counts. Commutative, associative and idempotent, so
 * any order, subset and repetition of deliveries ends in the same state.
 *
 * @throws {RecordError} FORK
 */
export function mergeRecords(a: ReplicatedRecord, b: ReplicatedRecord): ReplicatedRecord {
  const verdict = judgeRecord(a, b);
  if (verdict === 'fork') {
    throw forkOf(b);
  }
  return verdict === 'newer' ? b : a;
}

/** Names a record among all of a hierarchy; the same for each of its versions. */
export function recordId(record: Pick<ReplicatedRecord, 'owner' | 'kind' | 'key'>): string {
  return `${record.owner}/${record.kind}/${record.key}`;
}

/** The error for a record that exists twice under one version. */
export function forkOf(record: ReplicatedRecord): RecordError {
  return new RecordError(
    'FORK',
    `site ${record.owner} has written "${record.kind}/${record.key}" twice, differently, as version ${record.epoch}.${record.n}: ` +
      `it went on from an old copy of its database, or runs twice; ${restoreRemedy}`,
    { owner: record.owner, kind: record.kind, key: record.key, epoch: record.epoch, n: record.n },
  );
}
