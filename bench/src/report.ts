import { formatBytes, formatDuration } from '@sallyport/core/shared/units';

/** How the figures of a column are written for people; `--json` has them as they are: bytes, milliseconds. */
export type Format = 'bytes' | 'count' | 'duration' | 'ratio' | 'text';

export interface Column {
  readonly key: string;
  readonly label: string;
  readonly format: Format;
}

export type Row = Readonly<Record<string, number | string | undefined>>;

/** What one part found out. */
export interface Table {
  readonly title: string;
  readonly columns: readonly Column[];
  readonly rows: readonly Row[];
  /** What has to be known to read the figures. */
  readonly notes: readonly string[];
}

/** A table as lines of text, figures to the right. Bold and dim only with `colour`. */
export function formatReport({ title, columns, rows, notes }: Table, colour: boolean): string {
  const cells = rows.map((row) => columns.map((column) => cellOf(row[column.key], column.format)));
  const widths = columns.map(({ label }, at) =>
    Math.max(label.length, ...cells.map((row) => row[at]?.length ?? 0)),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((cell, at) =>
        columns[at]?.format === 'text' ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0),
      )
      .join('  ')
      .trimEnd();
  return [
    styled('1', title, colour),
    line(columns.map(({ label }) => label)),
    widths.map((width) => '─'.repeat(width)).join('  '),
    ...cells.map(line),
    ...notes.map((note) => styled('2', `  ${note}`, colour)),
  ].join('\n');
}

function cellOf(value: number | string | undefined, format: Format): string {
  if (value === undefined) {
    return '–';
  }
  if (typeof value === 'string') {
    return value;
  }
  switch (format) {
    case 'bytes':
      return value < 1_000_000 ? `${String(value)} B` : formatBytes(value);
    case 'duration':
      return value < 10_000 ? `${value.toFixed(value < 10 ? 1 : 0)} ms` : formatDuration(value);
    case 'ratio':
      return value.toFixed(2);
    default:
      return String(value);
  }
}

function styled(code: string, text: string, colour: boolean): string {
  return colour ? `\u001b[${code}m${text}\u001b[0m` : text;
}
