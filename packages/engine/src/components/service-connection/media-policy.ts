import type { MediaPolicy } from '@sallyport/core/domain/exchange/media-policy';
import type { EpochMs } from '@sallyport/core/shared/ids';
import { formatDuration } from '@sallyport/core/shared/units';
import { mediaPolicyFormat } from '@sallyport/core/wire/media-policy';
import type { ReadTables, SiteDatabase, WriteTables } from '../../ports/site-database.ts';

const recordKey = 'policy';

/** The policy of the hierarchy, as far as it has come here; undefined where metadata come from the vendor itself. */
export function readMediaPolicy({ records }: Pick<ReadTables, 'records'>): MediaPolicy | undefined {
  const held = records
    .list({ kind: 'media-policy' })
    .filter(({ body }) => mediaPolicyFormat.problems(body).length === 0)
    .map(({ body }) => body as MediaPolicy);
  return held.toSorted((a, b) => Date.parse(b.changedAt) - Date.parse(a.changedAt))[0];
}

/** How long past their expiry timestamp and snapshot count at this site: 0 without a policy. */
export function mediaMaxAgeMs(database: SiteDatabase): number {
  return database.read(readMediaPolicy)?.maxAgeMs ?? 0;
}

/** Sets the policy of the hierarchy, at its top-tier site. The record itself says who did it and when; the audit log keeps it. */
export function writeMediaPolicy(
  { records, audit }: Pick<WriteTables, 'audit' | 'records'>,
  { maxAgeMs, by, at }: { readonly maxAgeMs: number; readonly by: string; readonly at: EpochMs },
): void {
  const policy: MediaPolicy = { schema: 1, maxAgeMs, changedAt: new Date(at).toISOString(), changedBy: by };
  records.putOwn('media-policy', recordKey, policy, at);
  const text = `${by} let media count until ${formatDuration(maxAgeMs)} after their timestamp and snapshot have expired`;
  audit.append({ at, by, action: 'media-age', text, data: { maxAgeMs } });
}
