import { usageItem } from '@sallyport/core/domain/usage/registry';
import type { UsageCell, UsageRow } from '@sallyport/core/domain/usage/item';
import type { ReportedSite, UsageReport } from '@sallyport/core/domain/usage/report';
import type { UsageReportsResult } from '@sallyport/core/wire/api';
import { usageReportFormat } from '@sallyport/core/wire/usage';

type ShownReport = UsageReportsResult['waiting'][number];

/** The report that a payload says. */
export function reportOf({ payload }: Pick<ShownReport, 'payload'>): UsageReport {
  return usageReportFormat.parse(new TextEncoder().encode(payload));
}

/** One value of a report, with everything that says what it is. */
export interface ReportCell {
  readonly site: string;
  readonly item: string;
  readonly row: number;
  readonly column: string;
  readonly unit: string;
  readonly level: string;
  readonly value: UsageCell;
  /** What the value is called here, where it leaves as a hash. */
  readonly name?: string;
}

/** All values of a report, in an order that depends on nothing but the report. An item without data is one cell "none". */
export function cellsOf(report: UsageReport, names: UsageReportsResult['names']): readonly ReportCell[] {
  return report.sites.flatMap((site) => siteCells(site, names));
}

function siteCells(site: ReportedSite, names: UsageReportsResult['names']): readonly ReportCell[] {
  const code = names[site.site] ?? site.site;
  return Object.entries(site.items)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([item, rows]) => {
      const level = usageItem(item)?.level ?? site.level;
      const of = { site: code, item, level };
      if (rows.length === 0) return [{ ...of, row: 0, column: '', unit: '', value: 'none' }];
      return rows.flatMap((row, index) => rowCells({ ...of, row: index }, row, names));
    });
}

function rowCells(
  of: Pick<ReportCell, 'item' | 'level' | 'row' | 'site'>,
  row: UsageRow,
  names: UsageReportsResult['names'],
): readonly ReportCell[] {
  return Object.entries(row).map(([column, value]) => {
    const known = usageItem(of.item)?.columns.find(({ name }) => name === column);
    const name = known?.identifies === true ? names[String(value)] : undefined;
    return { ...of, column, unit: known?.unit ?? '', value, ...(name === undefined ? {} : { name }) };
  });
}

/** What one report says otherwise than another. */
export interface CellChange {
  readonly site: string;
  readonly item: string;
  readonly before?: string;
  readonly after?: string;
}

/** Item by item: what is new, what is gone, and what has another value. */
export function changesBetween(
  before: UsageReport | undefined,
  after: UsageReport,
  names: UsageReportsResult['names'],
): readonly CellChange[] {
  const old = before === undefined ? new Map<string, string>() : itemsOf(before);
  const now = itemsOf(after);
  const keys = [...new Set([...old.keys(), ...now.keys()])].toSorted();
  return keys.flatMap((key) => {
    const [was, is] = [old.get(key), now.get(key)];
    if (was === is) return [];
    const [site = '', item = ''] = key.split(' ');
    return [
      {
        site: names[site] ?? site,
        item,
        ...(was === undefined ? {} : { before: was }),
        ...(is === undefined ? {} : { after: is }),
      },
    ];
  });
}

function itemsOf(report: UsageReport): ReadonlyMap<string, string> {
  return new Map(
    report.sites.flatMap(({ site, items }) =>
      Object.entries(items).map(([item, rows]) => [`${site} ${item}`, textOfRows(rows)] as const),
    ),
  );
}

/** A row as people read it. */
function textOfRows(rows: readonly UsageRow[]): string {
  if (rows.length === 0) return 'none';
  return rows
    .map((row) =>
      Object.entries(row)
        .map(([column, value]) => `${column} ${String(value)}`)
        .join(', '),
    )
    .join('; ');
}
