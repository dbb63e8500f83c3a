import { type Kysely, sql } from 'kysely';
import type { UsageLevel } from '@sallyport/core/domain/usage/level';
import { hierarchyId } from '@sallyport/core/shared/ids';
import type { HierarchyUsage } from '../../../ports/usage-ledger.ts';
import { quarantineWithin } from './report-rows.ts';
import type { CloudTables } from './schema.ts';

interface UsageRow {
  readonly id: string;
  readonly enrolledAt: number;
  readonly reports: number;
  readonly heardAt: number | null;
  readonly epoch: number | null;
  readonly sequence: number | null;
  readonly level: UsageLevel | null;
  readonly fixedAt: number | null;
  readonly acceptedAt: number | null;
  readonly sites: number;
}

/** `UsageLedger.hierarchies`. */
export async function hierarchyUsages(
  database: Kysely<CloudTables>,
  prefix: string,
): Promise<readonly HierarchyUsage[]> {
  const { rows } = await sql<UsageRow>`
    select hierarchy.id, enrolled_at as enrolledAt,
      (select count(*) from usage_report where hierarchy_id = hierarchy.id) as reports,
      (select max(at) from (
        select max(accepted_at) as at from usage_report where hierarchy_id = hierarchy.id
        union all select max(accepted_at) from accepted_facts where hierarchy_id = hierarchy.id)) as heardAt,
      newest.epoch, newest.sequence, newest.level, newest.fixed_at as fixedAt, newest.accepted_at as acceptedAt,
      (select count(*) from usage_site where report_id = newest.id) as sites
    from hierarchy left join usage_newest newest on newest.hierarchy_id = hierarchy.id
    where substr(hierarchy.id, 1, ${prefix.length}) = ${prefix} order by hierarchy.id`.execute(database);
  return Promise.all(rows.map((row) => usageOf(database, row)));
}

async function usageOf(database: Kysely<CloudTables>, row: UsageRow): Promise<HierarchyUsage> {
  const { epoch, sequence, level, fixedAt, acceptedAt, sites } = row;
  const quarantine = await quarantineWithin(database, row.id);
  return {
    id: hierarchyId(row.id),
    enrolledAt: row.enrolledAt,
    reports: row.reports,
    ...(row.heardAt === null ? {} : { heardAt: row.heardAt }),
    ...(epoch === null || sequence === null || level === null || fixedAt === null || acceptedAt === null
      ? {}
      : { newest: { epoch, sequence, level, fixedAt, acceptedAt, sites } }),
    ...(quarantine && { quarantine }),
  };
}
