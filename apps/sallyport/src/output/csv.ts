/** What one cell may hold. */
export type CsvCell = boolean | number | string;

/** A program for tables takes what begins like this for a formula, and runs it. */
const formulaStart = /^[=+\-@\t\r]/;
const quoted = /[",\r\n]/;

/**
 * Rows as CSV (RFC 4180): commas, CRLF, quotes where they are needed. Text that a program for tables would take for a
 * formula gets an apostrophe in front, which such programs show as text; numbers stay as they are.
 */
export function formatCsv(head: readonly string[], rows: readonly (readonly CsvCell[])[]): string {
  return [head, ...rows].map((row) => `${row.map(cell).join(',')}\r\n`).join('');
}

function cell(value: CsvCell): string {
  if (typeof value !== 'string') return String(value);
  const text = formulaStart.test(value) ? `'${value}` : value;
  return quoted.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
