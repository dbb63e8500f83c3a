import type { UsageFacts } from './facts.ts';
import type { UsageCell, UsageColumn, UsageGroup, UsageItem, UsageRow } from './item.ts';
import type { UsageLevel } from './level.ts';

/** A column without its name: the key in the item's `columns` is its name. */
type ColumnSpec = Omit<UsageColumn, 'name'>;

/** A row as an item makes it: columns without data are undefined. */
type DraftRow<Column extends string> = { readonly [name in Column]?: UsageCell | undefined };

interface ItemSpec<Column extends string> {
  readonly id: `${UsageGroup}.${string}`;
  readonly level: UsageLevel;
  /** Each site tells it of itself, when not given. */
  readonly scope?: 'hierarchy';
  readonly says: string;
  readonly columns: Readonly<Record<Column, ColumnSpec>>;
  readonly example: readonly DraftRow<Column>[];
  readonly rows: (facts: UsageFacts) => readonly DraftRow<Column>[];
}

/** A table: as many rows as there are things to tell of. */
export function tableItem<Column extends string>(spec: ItemSpec<Column>): UsageItem {
  const columns = Object.entries<ColumnSpec>(spec.columns).map(([name, column]) => ({ name, ...column }));
  const { id, level, says } = spec;
  return {
    id,
    group: id.slice(0, id.indexOf('.')) as UsageGroup,
    level,
    says,
    scope: spec.scope ?? 'site',
    columns,
    example: spec.example.map(finished),
    rows: (facts) => spec.rows(facts).map(finished),
  };
}

/** One row at most: `row` answers undefined where there is nothing to tell. */
export function singleItem<Column extends string>(
  spec: Omit<ItemSpec<Column>, 'example' | 'rows'> & {
    readonly example: DraftRow<Column>;
    readonly row: (facts: UsageFacts) => DraftRow<Column> | undefined;
  },
): UsageItem {
  const { row, example, ...rest } = spec;
  return tableItem({
    ...rest,
    example: [example],
    rows: (facts) => {
      const made = row(facts);
      return made === undefined ? [] : [made];
    },
  });
}

export function number(unit: string, says: string): ColumnSpec {
  return { type: 'number', unit, says };
}

/** Has no unit: a version, an epoch. */
export function plainNumber(says: string): ColumnSpec {
  return { type: 'number', says };
}

/** Words of the vendor's or of Sallyport's own. */
export function text(says: string): ColumnSpec {
  return { type: 'text', says };
}

export function truth(says: string): ColumnSpec {
  return { type: 'truth', says };
}

/** A name of the hierarchy's own: it leaves as a keyed hash. */
export function ownName(says: string): ColumnSpec {
  return { type: 'text', says, identifies: true };
}

/** Cells without data left out; numbers whole, as canonical JSON has them. */
function finished(row: DraftRow<string>): UsageRow {
  const cells: Record<string, UsageCell> = {};
  for (const [column, cell] of Object.entries(row)) {
    if (cell === undefined) continue;
    cells[column] = typeof cell === 'number' ? Math.round(cell) : cell;
  }
  return cells;
}
