import { type Kysely, sql } from 'kysely';
import { usageItems } from '@sallyport/core/domain/usage/registry';
import type { UsageItem } from '@sallyport/core/domain/usage/item';
import type { CloudTables } from './schema.ts';

/** `updates.failedSteps` is the view `item_updates_failed_steps`. */
export function viewName(item: string): string {
  return `item_${item.replace('.', '_').replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`;
}

const newestView = `create view usage_newest as
  select report.* from usage_report report
  where not exists (
    select 1 from usage_report later
    where later.hierarchy_id = report.hierarchy_id
      and (later.epoch, later.sequence) > (report.epoch, report.sequence))`;

function itemView(item: UsageItem): string {
  const cells = item.columns.map(({ name }) => `json_extract(line.cells, '$."${name}"') as "${name}"`);
  return `create view ${viewName(item.id)} as
  select report.hierarchy_id as report_hierarchy, report.epoch as report_epoch, report.sequence as report_sequence,
    not exists (
      select 1 from usage_report later
      where later.hierarchy_id = report.hierarchy_id
        and (later.epoch, later.sequence) > (report.epoch, report.sequence)) as report_newest,
    reporter.site as report_site, reporter.type as report_site_type, reporter.collected_at as report_collected_at,
    ${cells.join(',\n    ')}
  from usage_row line
  join usage_site reporter on reporter.id = line.site_id
  join usage_report report on report.id = reporter.report_id
  where line.item = '${item.id}'`;
}

/**
 * A view for each data item that this release knows, and `usage_newest`, made anew where they are not as this release
 * has them. Inside the caller's writing transaction.
 */
export async function refreshViews(database: Kysely<CloudTables>): Promise<void> {
  const wanted = new Map([
    ['usage_newest', newestView],
    ...usageItems.map((item) => [viewName(item.id), itemView(item)] as const),
  ]);
  const found = await sql<{ readonly name: string; readonly sql: string }>`
    select name, sql from sqlite_schema where type = 'view'`.execute(database);
  const held = new Map(found.rows.map((view) => [view.name, view.sql]));
  for (const [name, text] of held) {
    if (wanted.get(name) !== text.replace(/^CREATE VIEW/, 'create view')) {
      await sql`drop view ${sql.id(name)}`.execute(database);
      held.delete(name);
    }
  }
  for (const [name, text] of wanted) {
    if (!held.has(name)) await sql.raw(text).execute(database);
  }
}
