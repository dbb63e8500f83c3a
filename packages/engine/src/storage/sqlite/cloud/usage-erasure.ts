import { type Kysely, sql } from 'kysely';
import type { EpochMs, HierarchyId } from '@sallyport/core/shared/ids';
import type { Decision, Erasure, Purge } from '../../../ports/usage-ledger.ts';
import { audit } from './audit-rows.ts';
import { isAbove, raiseFloor, type ReportNumber } from './floor-rows.ts';
import type { CloudTables } from './schema.ts';

type Database = Kysely<CloudTables>;

/** Where something of a hierarchy may stand, each with what counts it. */
const places: Readonly<Record<string, (id: string) => ReturnType<typeof sql<{ readonly count: number }>>>> = {
  usage_report: (id) => sql`select count(*) as count from usage_report where hierarchy_id = ${id}`,
  usage_site: (id) =>
    sql`select count(*) as count from usage_site join usage_report report on report.id = report_id where hierarchy_id = ${id}`,
  usage_row: (id) =>
    sql`select count(*) as count from usage_row join usage_site reporter on reporter.id = site_id
      join usage_report report on report.id = report_id where hierarchy_id = ${id}`,
  accepted_facts: (id) => sql`select count(*) as count from accepted_facts where hierarchy_id = ${id}`,
};
const enrolmentPlaces: typeof places = {
  usage_quarantine: (id) => sql`select count(*) as count from usage_quarantine where hierarchy_id = ${id}`,
  usage_floor: (id) => sql`select count(*) as count from usage_floor where hierarchy_id = ${id}`,
  enrolment_code: (id) => sql`select count(*) as count from enrolment_code where used_by = ${id}`,
  hierarchy: (id) => sql`select count(*) as count from hierarchy where id = ${id}`,
};

/** Rows of a hierarchy by table; rows that hang on nothing any more are looked for as well. */
export async function countOf(
  database: Database,
  id: HierarchyId,
  enrolment: boolean,
): Promise<Readonly<Record<string, number>>> {
  const counts: Record<string, number> = {};
  for (const [table, query] of Object.entries({ ...places, ...(enrolment ? enrolmentPlaces : {}) })) {
    counts[table] = (await query(id).execute(database)).rows[0]?.count ?? 0;
  }
  const lost = await sql<{ readonly count: number }>`
    select (select count(*) from usage_row where site_id not in (select id from usage_site))
      + (select count(*) from usage_site where report_id not in (select id from usage_report)) as count`.execute(
    database,
  );
  return { ...counts, orphans: lost.rows[0]?.count ?? 0 };
}

/**
 * `UsageLedger.erase`, within a writing transaction: what is refused from now on by the floor, then the rows.
 * A quarantine of a hierarchy that stays enrolled stays: it is a decision about it, not something that it told.
 */
export async function eraseWithin(
  database: Database,
  id: HierarchyId,
  by: Decision & { readonly enrolment: boolean },
): Promise<Erasure['removed']> {
  const removed = await countOf(database, id, by.enrolment);
  for (const [kind, table] of [
    ['report', 'usage_report'],
    ['facts', 'accepted_facts'],
  ] as const) {
    const newest = await database
      .selectFrom(table)
      .select(['epoch', 'sequence'])
      .where('hierarchy_id', '=', id)
      .orderBy('epoch', 'desc')
      .orderBy('sequence', 'desc')
      .limit(1)
      .executeTakeFirst();
    if (newest !== undefined) await raiseFloor(database, id, kind, newest);
  }
  await database.deleteFrom('usage_report').where('hierarchy_id', '=', id).execute();
  await database.deleteFrom('accepted_facts').where('hierarchy_id', '=', id).execute();
  if (by.enrolment) {
    await database.deleteFrom('usage_quarantine').where('hierarchy_id', '=', id).execute();
    await database.deleteFrom('usage_floor').where('hierarchy_id', '=', id).execute();
    await database.deleteFrom('enrolment_code').where('used_by', '=', id).execute();
    await database.deleteFrom('hierarchy').where('id', '=', id).execute();
  }
  const { at, who, enrolment } = by;
  await audit(database, { at, who, act: 'erased', hierarchyId: id, details: { removed, enrolment } });
  return removed;
}

/** `UsageLedger.purge`, within a writing transaction. */
export async function purgeWithin(database: Database, before: EpochMs, by: Decision): Promise<Purge> {
  const reports = await purgeTable(database, 'usage_report', 'report', before);
  const facts = await purgeTable(database, 'accepted_facts', 'facts', before);
  if (reports + facts > 0) {
    const details = { before: new Date(before).toISOString(), reports, facts };
    await audit(database, { ...by, act: 'purged', details });
  }
  return { reports, facts };
}

/** Answers how many went. */
async function purgeTable(
  database: Database,
  table: 'accepted_facts' | 'usage_report',
  kind: 'facts' | 'report',
  before: EpochMs,
): Promise<number> {
  const old = await database
    .deleteFrom(table)
    .where('accepted_at', '<', before)
    .returning(['hierarchy_id', 'epoch', 'sequence'])
    .execute();
  const highest = new Map<string, ReportNumber>();
  for (const { hierarchy_id: id, epoch, sequence } of old) {
    const known = highest.get(id);
    if (known === undefined || isAbove({ epoch, sequence }, known)) highest.set(id, { epoch, sequence });
  }
  for (const [id, number] of highest) await raiseFloor(database, id, kind, number);
  return old.length;
}
