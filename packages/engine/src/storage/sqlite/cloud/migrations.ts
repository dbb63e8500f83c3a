import { type Kysely, sql } from 'kysely';
import { CloudError } from '../../../ports/cloud-error.ts';
import type { CloudTables } from './schema.ts';
import { createUsageTables } from './usage-migration.ts';
import { refreshViews } from './usage-views.ts';

interface Migration {
  readonly number: number;
  readonly name: string;
  readonly up: (database: Kysely<CloudTables>) => Promise<void>;
}

/** Numbered from 1, forward only, unchanged once released. */
const migrations: readonly Migration[] = [
  { number: 1, name: 'enrolment, hierarchies, facts', up: createFirstTables },
  { number: 2, name: 'usage data', up: createUsageTables },
];

/**
 * Brings the tables to the newest form, inside the caller's writing transaction: of two processes that start at
 * once, the second finds the work done.
 *
 * @throws {CloudError} BROKEN_DATABASE for a database of a newer program
 */
export async function migrate(database: Kysely<CloudTables>): Promise<void> {
  await database.schema
    .createTable('cloud_migration')
    .ifNotExists()
    .addColumn('number', 'integer', (column) => column.primaryKey())
    .addColumn('name', 'text', (column) => column.notNull())
    .modifyEnd(sql`strict`)
    .execute();
  const rows = await database.selectFrom('cloud_migration').select('number').execute();
  const done = new Set(rows.map((row) => row.number));
  const newest = Math.max(0, ...done);
  if (newest > migrations.length) {
    throw new CloudError(
      'BROKEN_DATABASE',
      `the cloud database has form ${newest}, and this program knows only ${migrations.length}: start the newer program`,
      { found: newest, known: migrations.length },
    );
  }
  for (const { number, name, up } of migrations) {
    if (!done.has(number)) {
      await database.insertInto('cloud_migration').values({ number, name }).execute();
      await up(database);
    }
  }
  await refreshViews(database);
}

async function createFirstTables(database: Kysely<CloudTables>): Promise<void> {
  await database.schema
    .createTable('enrolment_code')
    .addColumn('sha256', 'text', (column) => column.primaryKey())
    .addColumn('created_at', 'integer', (column) => column.notNull())
    .addColumn('expires_at', 'integer')
    .addColumn('used_by', 'text')
    .addColumn('used_at', 'integer')
    .addCheckConstraint('used_by_and_at', sql`(used_by is null) = (used_at is null)`)
    .modifyEnd(sql`strict`)
    .execute();
  await database.schema
    .createTable('hierarchy')
    .addColumn('id', 'text', (column) => column.primaryKey().check(sql`length(id) = 64`))
    .addColumn('operating_key', 'text', (column) => column.notNull().check(sql`length(operating_key) = 64`))
    .addColumn('statement', 'blob', (column) => column.notNull())
    .addColumn('statement_sequence', 'integer', (column) =>
      column.notNull().check(sql`statement_sequence > 0`),
    )
    .addColumn('enrolled_at', 'integer', (column) => column.notNull())
    .addColumn('offer_sequence', 'integer', (column) => column.notNull().defaultTo(0))
    .modifyEnd(sql`strict`)
    .execute();
  await database.schema
    .createTable('accepted_facts')
    .addColumn('hierarchy_id', 'text', (column) => column.notNull().references('hierarchy.id'))
    .addColumn('epoch', 'integer', (column) => column.notNull())
    .addColumn('sequence', 'integer', (column) => column.notNull())
    .addColumn('payload_sha256', 'text', (column) => column.notNull())
    .addColumn('payload', 'blob', (column) => column.notNull())
    .addColumn('accepted_at', 'integer', (column) => column.notNull())
    .addPrimaryKeyConstraint('accepted_facts_key', ['hierarchy_id', 'epoch', 'sequence'])
    .modifyEnd(sql`strict`)
    .execute();
}
