import { defaultUsageLevel } from '@sallyport/core/domain/usage/level';
import type { UsagePolicy } from '@sallyport/core/domain/usage/report';
import type { EpochMs, SiteCode } from '@sallyport/core/shared/ids';
import type { RecordReads, RecordWrites } from '../../ports/site-database.ts';

/** The one record of its kind. */
export const policyRecordKey = 'policy';

/** What holds until somebody chooses. */
const policyAtSetUp: UsagePolicy = {
  schema: 1,
  level: defaultUsageLevel,
  changedAt: '1970-01-01T00:00:00.000Z',
  changedBy: 'set-up',
  request: 0,
};

/** What the hierarchy has chosen to tell, as this site knows it; the default while nobody has chosen. */
export function readPolicy(records: RecordReads, topTier: SiteCode): UsagePolicy {
  // Checked where it is put, and where it comes over a link.
  return (
    (records.get(topTier, 'usage-policy', policyRecordKey)?.body as UsagePolicy | undefined) ?? policyAtSetUp
  );
}

/** Makes it the hierarchy's choice, in this transaction. At the top-tier site only: what another one writes counts nowhere. */
export function putPolicy(records: RecordReads & RecordWrites, policy: UsagePolicy, at: EpochMs): void {
  records.putOwn('usage-policy', policyRecordKey, policy, at);
}
