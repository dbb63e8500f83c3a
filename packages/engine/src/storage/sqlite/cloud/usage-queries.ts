import { type Kysely, sql } from 'kysely';
import { hierarchyId, type HierarchyId } from '@sallyport/core/shared/ids';
import type {
  ErrorRate,
  InstallOutcome,
  ProblemCluster,
  StateCount,
  StoredReport,
  UsageLedger,
  VersionCount,
} from '../../../ports/usage-ledger.ts';
import type { CloudTables } from './schema.ts';
import { viewName } from './usage-views.ts';

type Database = Kysely<CloudTables>;

/** The view of an item. What a row lacks is told as an empty text or 0: an older site may tell less. */
const view = (item: string) => sql.id(viewName(item));

export async function versionCounts(database: Database): Promise<readonly VersionCount[]> {
  const { rows } = await sql<VersionCount>`
    select coalesce(product, '') as product, coalesce(version, '') as version,
      count(distinct report_hierarchy) as hierarchies, count(*) as sites
    from ${view('setup.products')} where report_newest
    group by 1, 2 order by 1, 2`.execute(database);
  return rows.map((row) => ({ ...row }));
}

export async function levelCounts(database: Database): Promise<Awaited<ReturnType<UsageLedger['levels']>>> {
  const { rows } = await sql<Awaited<ReturnType<UsageLedger['levels']>>[number]>`
    select level, count(*) as hierarchies from usage_newest
    group by level order by case level when 'basic' then 0 when 'enhanced' then 1 else 2 end`.execute(
    database,
  );
  return rows.map((row) => ({ ...row }));
}

export async function stateCounts(database: Database): Promise<readonly StateCount[]> {
  const { rows } = await sql<StateCount>`
    select coalesce(product, '') as product, coalesce(version, '') as version, coalesce(package, '') as package,
      coalesce(state, '') as state, count(distinct report_hierarchy) as hierarchies, count(*) as sites
    from ${view('updates.packages')} where report_newest
    group by 1, 2, 3, 4 order by 1, 2, 3, 4`.execute(database);
  return rows.map((row) => ({ ...row }));
}

export async function errorRates(database: Database): Promise<readonly ErrorRate[]> {
  const { rows } = await sql<ErrorRate>`
    select coalesce(product, '') as product, coalesce(version, '') as version, coalesce(package, '') as package,
      count(distinct report_hierarchy) as hierarchies,
      coalesce(sum(succeeded), 0) as succeeded, coalesce(sum(failed), 0) as failed
    from ${view('updates.packages')}
    where report_newest and (coalesce(succeeded, 0) > 0 or coalesce(failed, 0) > 0)
    group by 1, 2, 3 order by 1, 2, 3`.execute(database);
  return rows.map((row) => ({ ...row }));
}

export async function problemClusters(database: Database): Promise<readonly ProblemCluster[]> {
  const { rows } = await sql<Omit<ProblemCluster, 'hierarchies'> & { readonly ids: string }>`
    select coalesce(product, '') as product, coalesce(version, '') as version, coalesce(package, '') as package,
      coalesce(event, '') as event, coalesce(code, '') as code, coalesce(step, '') as step,
      coalesce(sum(times), 0) as times, count(distinct report_hierarchy || report_site) as sites,
      json_group_array(distinct report_hierarchy) as ids
    from ${view('updates.failures')} where report_newest
    group by 1, 2, 3, 4, 5, 6
    order by count(distinct report_hierarchy) desc, 7 desc, 1, 2, 3, 4, 5, 6`.execute(database);
  return rows.map(({ ids, ...cluster }) => ({
    ...cluster,
    hierarchies: (JSON.parse(ids) as string[]).toSorted().map(hierarchyId),
  }));
}

/** A hierarchy has failed with a package when one install of it at one site has, whatever became of a later one. */
export async function installOutcome(database: Database, guid: string): Promise<InstallOutcome> {
  const { rows } = await sql<InstallOutcome>`
    select count(*) as attempted, coalesce(sum(failed), 0) as failed from (
      select max(coalesce(failed, 0) > 0) as failed from ${view('updates.packages')}
      where report_newest and package = ${guid} and (coalesce(succeeded, 0) > 0 or coalesce(failed, 0) > 0)
      group by report_hierarchy)`.execute(database);
  return { attempted: rows[0]?.attempted ?? 0, failed: rows[0]?.failed ?? 0 };
}

export async function storedReports(database: Database, id: HierarchyId): Promise<readonly StoredReport[]> {
  // What lies at or below the floor was erased: the oldest report that is left has lost its predecessor by decision.
  const { rows } = await sql<Omit<StoredReport, 'gap'> & { readonly gap: number }>`
    select epoch, sequence, level, fixed_at as fixedAt, accepted_at as acceptedAt, size_bytes as sizeBytes,
      payload_sha256 as payloadSha256,
      (select count(*) from usage_site where report_id = report.id) as sites,
      (select count(*) from usage_row join usage_site on site_id = usage_site.id where report_id = report.id) as rows,
      previous_sha256 is not null
        and not exists (select 1 from usage_report before
          where before.hierarchy_id = report.hierarchy_id and before.payload_sha256 = report.previous_sha256)
        and not (
          exists (select 1 from usage_floor floor
            where floor.hierarchy_id = report.hierarchy_id and floor.kind = 'report')
          and not exists (select 1 from usage_report older
            where older.hierarchy_id = report.hierarchy_id
              and (older.epoch, older.sequence) < (report.epoch, report.sequence))) as gap
    from usage_report report where hierarchy_id = ${id} order by epoch, sequence`.execute(database);
  return rows.map(({ gap, ...report }) => ({ ...report, gap: gap !== 0 }));
}
