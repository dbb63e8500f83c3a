import { type Kysely, sql } from 'kysely';
import type { CloudTables } from './schema.ts';

/** The tables of usage data. What hangs on a report goes with it. */
export async function createUsageTables(database: Kysely<CloudTables>): Promise<void> {
  await database.schema
    .createTable('usage_report')
    .addColumn('id', 'integer', (column) => column.primaryKey())
    .addColumn('hierarchy_id', 'text', (column) => column.notNull().references('hierarchy.id'))
    .addColumn('epoch', 'integer', (column) => column.notNull().check(sql`epoch > 0`))
    .addColumn('sequence', 'integer', (column) => column.notNull().check(sql`sequence > 0`))
    .addColumn('payload_sha256', 'text', (column) => column.notNull())
    .addColumn('previous_sha256', 'text')
    .addColumn('level', 'text', (column) =>
      column.notNull().check(sql`level in ('basic', 'enhanced', 'full')`),
    )
    .addColumn('fixed_at', 'integer', (column) => column.notNull())
    .addColumn('accepted_at', 'integer', (column) => column.notNull())
    .addColumn('size_bytes', 'integer', (column) => column.notNull())
    .addUniqueConstraint('usage_report_number', ['hierarchy_id', 'epoch', 'sequence'])
    .modifyEnd(sql`strict`)
    .execute();
  // A report has one successor in an epoch, and an epoch one report without a predecessor: a second one is of a copy.
  await sql`create unique index usage_report_successor
    on usage_report (hierarchy_id, epoch, coalesce(previous_sha256, ''))`.execute(database);
  await sql`create index usage_report_accepted on usage_report (accepted_at)`.execute(database);
  await database.schema
    .createTable('usage_site')
    .addColumn('id', 'integer', (column) => column.primaryKey())
    .addColumn('report_id', 'integer', (column) =>
      column.notNull().references('usage_report.id').onDelete('cascade'),
    )
    .addColumn('site', 'text', (column) => column.notNull())
    .addColumn('type', 'text', (column) => column.notNull())
    .addColumn('level', 'text', (column) => column.notNull())
    .addColumn('collected_at', 'integer', (column) => column.notNull())
    .addUniqueConstraint('usage_site_once', ['report_id', 'site'])
    .modifyEnd(sql`strict`)
    .execute();
  await database.schema
    .createTable('usage_row')
    .addColumn('site_id', 'integer', (column) =>
      column.notNull().references('usage_site.id').onDelete('cascade'),
    )
    .addColumn('item', 'text', (column) => column.notNull())
    .addColumn('number', 'integer', (column) => column.notNull())
    .addColumn('cells', 'text', (column) => column.notNull().check(sql`json_valid(cells)`))
    .addPrimaryKeyConstraint('usage_row_key', ['site_id', 'item', 'number'])
    .modifyEnd(sql`strict, without rowid`)
    .execute();
  await database.schema
    .createTable('usage_quarantine')
    .addColumn('hierarchy_id', 'text', (column) => column.primaryKey().references('hierarchy.id'))
    .addColumn('since', 'integer', (column) => column.notNull())
    .addColumn('sign', 'text', (column) => column.notNull())
    .addColumn('epoch', 'integer', (column) => column.notNull())
    .addColumn('sequence', 'integer', (column) => column.notNull())
    .addColumn('stored_sha256', 'text', (column) => column.notNull())
    .addColumn('refused_sha256', 'text', (column) => column.notNull())
    .modifyEnd(sql`strict`)
    .execute();
  await createErasureTables(database);
}

/** What was erased is refused when it comes again; what was decided stays on record. */
async function createErasureTables(database: Kysely<CloudTables>): Promise<void> {
  await database.schema
    .createTable('usage_floor')
    .addColumn('hierarchy_id', 'text', (column) => column.notNull().references('hierarchy.id'))
    .addColumn('kind', 'text', (column) => column.notNull().check(sql`kind in ('facts', 'report')`))
    .addColumn('epoch', 'integer', (column) => column.notNull())
    .addColumn('sequence', 'integer', (column) => column.notNull())
    .addPrimaryKeyConstraint('usage_floor_key', ['hierarchy_id', 'kind'])
    .modifyEnd(sql`strict`)
    .execute();
  await database.schema
    .createTable('cloud_audit')
    .addColumn('id', 'integer', (column) => column.primaryKey())
    .addColumn('at', 'integer', (column) => column.notNull())
    .addColumn('who', 'text', (column) => column.notNull())
    .addColumn('act', 'text', (column) => column.notNull())
    .addColumn('hierarchy_id', 'text')
    .addColumn('package', 'text')
    .addColumn('details', 'text', (column) => column.notNull().check(sql`json_valid(details)`))
    .modifyEnd(sql`strict`)
    .execute();
  await database.schema
    .createTable('cloud_setting')
    .addColumn('name', 'text', (column) => column.primaryKey())
    .addColumn('value', 'text', (column) => column.notNull())
    .modifyEnd(sql`strict`)
    .execute();
  await database.schema
    .createTable('stop_limit')
    .addColumn('package', 'text', (column) => column.primaryKey())
    .addColumn('percent', 'integer', (column) => column.notNull().check(sql`percent between 0 and 100`))
    .addColumn('of_at_least', 'integer', (column) => column.notNull().check(sql`of_at_least > 0`))
    .addColumn('set_at', 'integer', (column) => column.notNull())
    .addColumn('tripped_at', 'integer')
    .modifyEnd(sql`strict`)
    .execute();
}
