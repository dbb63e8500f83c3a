import { judgeUpward } from '@sallyport/core/domain/sites/record-flow';
import { RecordError } from '@sallyport/core/domain/sites/record-error';
import { descendantsOf } from '@sallyport/core/domain/sites/roster';
import type { ReplicatedRecord, Roster } from '@sallyport/core/domain/sites/site';
import type { SiteCode } from '@sallyport/core/shared/ids';
import { LinkError } from '../../ports/link-error.ts';
import type { ReadTables } from '../../ports/site-database.ts';

/** What the sites below one child may make this site keep, itself included. */
export interface ChildQuota {
  readonly recordsMax: number;
  readonly sizeMaxBytes: number;
}

/**
 * The records of a child's batch that are taken: what it may write, without those of revoked sites.
 *
 * @throws {RecordError} NOT_ALLOWED when one of them is another site's or of a kind that does not travel up
 */
export function admitFromChild(
  roster: Roster,
  child: SiteCode,
  records: readonly ReplicatedRecord[],
): readonly ReplicatedRecord[] {
  return records.filter((record) => {
    const verdict = judgeUpward(roster, child, record);
    if (verdict.kind === 'refused') {
      throw new RecordError('NOT_ALLOWED', `a record from site ${child} is forged: ${verdict.reason}`, {
        child,
        owner: record.owner,
        kind: record.kind,
      });
    }
    return verdict.kind === 'allowed';
  });
}

/**
 * Bounds what a child can make this site keep. Sizes are estimated from above: a record that replaces another counts
 * beside it.
 *
 * @throws {LinkError} QUOTA
 */
export function checkQuota(
  tables: ReadTables,
  roster: Roster,
  child: SiteCode,
  records: readonly ReplicatedRecord[],
  quota: ChildQuota,
): void {
  if (records.length === 0) {
    return;
  }
  const held = tables.records.usage([child, ...descendantsOf(roster, child).map(({ code }) => code)]);
  const added = records.filter(
    ({ owner, kind, key }) => tables.records.get(owner, kind, key) === undefined,
  ).length;
  if (added > 0 && held.count + added > quota.recordsMax) {
    throw quotaExceeded(child, `${held.count + added} records`, `${quota.recordsMax}`);
  }
  const sizeBytes = records.reduce((sum, { body }) => sum + JSON.stringify(body).length, held.sizeBytes);
  if (sizeBytes > quota.sizeMaxBytes) {
    throw quotaExceeded(child, `${sizeBytes} bytes of records`, `${quota.sizeMaxBytes}`);
  }
}

function quotaExceeded(child: SiteCode, would: string, limit: string): LinkError {
  return new LinkError(
    'QUOTA',
    `site ${child} and the sites below it would hold ${would} here, and ${limit} is the limit: find out why there are so many, then raise the limit or revoke the site`,
    { child },
  );
}
