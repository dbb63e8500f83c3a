import { type Kysely, sql } from 'kysely';
import type { ReportedSite, UsageReport } from '@sallyport/core/domain/usage/report';
import type { EpochMs } from '@sallyport/core/shared/ids';
import type { CopySign, Quarantine, ReportPayload, ReportVerdict } from '../../../ports/usage-intake.ts';
import { serviceName } from '../../../ports/service-name.ts';
import { audit } from './audit-rows.ts';
import { floorOf, isAbove } from './floor-rows.ts';
import type { CloudTables } from './schema.ts';

/** `UsageIntake.acceptReport`, within a writing transaction. */
export async function acceptReportWithin(
  database: Kysely<CloudTables>,
  report: UsageReport,
  payload: ReportPayload,
  at: EpochMs,
): Promise<ReportVerdict> {
  const { hierarchyId, epoch, sequence, previous = null } = report;
  const same = await database
    .selectFrom('usage_report')
    .select(['payload_sha256', 'accepted_at'])
    .where('hierarchy_id', '=', hierarchyId)
    .where('epoch', '=', epoch)
    .where('sequence', '=', sequence)
    .executeTakeFirst();
  if (same?.payload_sha256 === payload.sha256) return { kind: 'repeated', acceptedAt: same.accepted_at };
  const quarantine = await quarantineWithin(database, hierarchyId);
  if (quarantine !== undefined) return { kind: 'quarantined', quarantine };
  const floor = await floorOf(database, hierarchyId, 'report');
  if (floor !== undefined && !isAbove(report, floor)) return { kind: 'older', floor };
  if (same !== undefined) return copied(database, report, payload, at, 'same-number', same.payload_sha256);
  const brother = await database
    .selectFrom('usage_report')
    .select('payload_sha256')
    .where('hierarchy_id', '=', hierarchyId)
    .where('epoch', '=', epoch)
    .where('previous_sha256', previous === null ? 'is' : '=', previous)
    .executeTakeFirst();
  if (brother !== undefined)
    return copied(database, report, payload, at, 'same-predecessor', brother.payload_sha256);
  await store(database, report, payload, at);
  return { kind: 'accepted', acceptedAt: at, gap: await isGap(database, report) };
}

/** The quarantine that a hierarchy is in. */
export async function quarantineWithin(
  database: Kysely<CloudTables>,
  id: string,
): Promise<Quarantine | undefined> {
  const row = await database
    .selectFrom('usage_quarantine')
    .select(['since', 'sign', 'epoch', 'sequence', 'stored_sha256', 'refused_sha256'])
    .where('hierarchy_id', '=', id)
    .executeTakeFirst();
  return (
    row && {
      since: row.since,
      sign: row.sign,
      epoch: row.epoch,
      sequence: row.sequence,
      storedSha256: row.stored_sha256,
      refusedSha256: row.refused_sha256,
    }
  );
}

/** The report is refused: the stored one was counted, and to count both would count one hierarchy twice. */
async function copied(
  database: Kysely<CloudTables>,
  { hierarchyId, epoch, sequence }: UsageReport,
  { sha256: refusedSha256 }: ReportPayload,
  since: EpochMs,
  sign: CopySign,
  storedSha256: string,
): Promise<ReportVerdict> {
  const quarantine: Quarantine = { since, sign, epoch, sequence, storedSha256, refusedSha256 };
  await database
    .insertInto('usage_quarantine')
    .values({
      hierarchy_id: hierarchyId,
      since,
      sign,
      epoch,
      sequence,
      stored_sha256: storedSha256,
      refused_sha256: refusedSha256,
    })
    .execute();
  const { since: _, ...details } = quarantine;
  await audit(database, { at: since, who: serviceName, act: 'quarantined', hierarchyId, details });
  return { kind: 'copied', quarantine };
}

async function store(
  database: Kysely<CloudTables>,
  report: UsageReport,
  payload: ReportPayload,
  at: EpochMs,
): Promise<void> {
  const { id } = await database
    .insertInto('usage_report')
    .values({
      hierarchy_id: report.hierarchyId,
      epoch: report.epoch,
      sequence: report.sequence,
      payload_sha256: payload.sha256,
      previous_sha256: report.previous ?? null,
      level: report.level,
      fixed_at: Date.parse(report.fixedAt),
      accepted_at: at,
      size_bytes: payload.sizeBytes,
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  for (const site of report.sites) await storeSite(database, id, site);
}

async function storeSite(
  database: Kysely<CloudTables>,
  reportId: number,
  { site, type, level, collectedAt, items }: ReportedSite,
): Promise<void> {
  const { id } = await database
    .insertInto('usage_site')
    .values({ report_id: reportId, site, type, level, collected_at: Date.parse(collectedAt) })
    .returning('id')
    .executeTakeFirstOrThrow();
  // One statement, whatever the number of rows: to bind each cell takes longer than to store it.
  await sql`insert into usage_row (site_id, item, number, cells)
    select ${id}, item.key, line.key, line.value
    from json_each(${JSON.stringify(items)}) item, json_each(item.value) line`.execute(database);
}

async function isGap(
  database: Kysely<CloudTables>,
  { hierarchyId, previous }: UsageReport,
): Promise<boolean> {
  if (previous === undefined) return false;
  const found = await database
    .selectFrom('usage_report')
    .select('id')
    .where('hierarchy_id', '=', hierarchyId)
    .where('payload_sha256', '=', previous)
    .executeTakeFirst();
  return found === undefined;
}
