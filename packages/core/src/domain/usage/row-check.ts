import type { UsageCell, UsageColumn, UsageItem, UsageRow } from './item.ts';
import { isTold, type UsageLevel } from './level.ts';
import { usageItem } from './registry.ts';

/**
 * - `UNKNOWN_ITEM`, `UNKNOWN_COLUMN`: the registry of this release has no such thing
 * - `ABOVE_LEVEL`: more than the level allows that is stated
 * - `WRONG_TYPE`, `OUT_OF_RANGE`, `TOO_LONG`: a cell that its column cannot hold
 * - `TOO_MANY_ROWS`: more than `rowsMax`
 * - `NOT_HASHED`: a name that should have been replaced
 */
export type RowProblemCode =
  | 'ABOVE_LEVEL'
  | 'NOT_HASHED'
  | 'OUT_OF_RANGE'
  | 'TOO_LONG'
  | 'TOO_MANY_ROWS'
  | 'UNKNOWN_COLUMN'
  | 'UNKNOWN_ITEM'
  | 'WRONG_TYPE';

export interface RowProblem {
  readonly code: RowProblemCode;
  /** The item's id, then row (from 0) and column where it is about them: `updates.states/3/state`. */
  readonly place: string;
  /** For people: what is wrong, and what it should be. */
  readonly says: string;
}

/** `hashed`: names must have been replaced by `hashIdentifying`. */
export type RowForm = 'hashed' | 'plain';

/** Rows of one item in one collection. What there is more of is cut off where it is collected, the last ones first. */
export const rowsMax = 500;
export const textMax = 300;
/** Whoever sends a thousand bad cells is told of these. */
const problemsMax = 20;

const hashPattern = /^[A-Za-z0-9_-]{43}$/;

/** Everything that is wrong with one item's rows, at most 20 things; empty when they are as the registry says. */
export function problemsOf(
  item: UsageItem,
  rows: readonly UsageRow[],
  form: RowForm = 'plain',
): readonly RowProblem[] {
  const problems: RowProblem[] = [];
  if (rows.length > rowsMax) {
    problems.push({
      code: 'TOO_MANY_ROWS',
      place: item.id,
      says: `${rows.length} rows, at most ${rowsMax} are taken`,
    });
  }
  const columns = new Map(item.columns.map((column) => [column.name, column]));
  for (const [index, row] of rows.slice(0, rowsMax).entries()) {
    for (const [name, cell] of Object.entries(row)) {
      const place = `${item.id}/${index}/${shown(name)}`;
      const problem = problemOfCell(columns.get(name), cell, form);
      if (problem !== undefined) problems.push({ ...problem, place });
      if (problems.length >= problemsMax) return problems;
    }
  }
  return problems;
}

/**
 * Everything that is wrong with a collection's items: against the registry, and against the level that it states. At most
 * 20 things; empty when all of it may be believed to be well-formed.
 */
export function problemsOfItems(
  items: Readonly<Record<string, readonly UsageRow[]>>,
  level: UsageLevel,
  form: RowForm = 'plain',
): readonly RowProblem[] {
  const problems: RowProblem[] = [];
  for (const [id, rows] of Object.entries(items)) {
    problems.push(...problemsOfItem(id, rows, level, form));
    if (problems.length >= problemsMax) return problems.slice(0, problemsMax);
  }
  return problems;
}

function problemsOfItem(
  id: string,
  rows: readonly UsageRow[],
  level: UsageLevel,
  form: RowForm,
): readonly RowProblem[] {
  const item = usageItem(id);
  if (item === undefined) {
    const says = 'no data item of this release: update whoever reads it before whoever sends it';
    return [{ code: 'UNKNOWN_ITEM', place: shown(id), says }];
  }
  if (!isTold(item.level, level)) {
    const says = `belongs to level ${item.level}, and the level stated is ${level}`;
    return [{ code: 'ABOVE_LEVEL', place: id, says }];
  }
  return problemsOf(item, rows, form);
}

function problemOfCell(
  column: UsageColumn | undefined,
  cell: UsageCell,
  form: RowForm,
): Omit<RowProblem, 'place'> | undefined {
  if (column === undefined) return { code: 'UNKNOWN_COLUMN', says: 'no column of this data item' };
  switch (column.type) {
    case 'truth':
      return typeof cell === 'boolean' ? undefined : wrongType('true or false', cell);
    case 'number':
      if (typeof cell !== 'number') return wrongType('a number', cell);
      return Number.isSafeInteger(cell) && cell >= 0
        ? undefined
        : { code: 'OUT_OF_RANGE', says: `${cell} is not a whole number from 0 to 2^53 - 1` };
    case 'text':
      if (typeof cell !== 'string') return wrongType('text', cell);
      if (cell.length > textMax)
        return { code: 'TOO_LONG', says: `${cell.length} characters, at most ${textMax} are taken` };
      return form === 'hashed' && column.identifies === true && !hashPattern.test(cell)
        ? { code: 'NOT_HASHED', says: 'a name of the hierarchy in plain: only its keyed hash may leave' }
        : undefined;
  }
}

function wrongType(wanted: string, cell: unknown): Omit<RowProblem, 'place'> {
  return { code: 'WRONG_TYPE', says: `a ${typeof cell} where ${wanted} belongs` };
}

/** What came from outside, as far as it is shown. */
function shown(name: string): string {
  return name.length > 64 ? `${name.slice(0, 64)}…` : name;
}
