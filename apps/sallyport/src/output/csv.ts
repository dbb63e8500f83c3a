/** A cell that a spreadsheet takes for a formula begins so. */
const formulaStart = /^[=+\-@\t\r]/;

/**
 * Rows as CSV (RFC 4180) that opens in a spreadsheet. A cell that would be run as a formula there gets an apostrophe in
 * front, so that it is shown.
 */
export function formatCsv(rows: readonly (readonly (boolean | number | string)[])[]): string {
  return rows.map((row) => `${row.map(cell).join(',')}\r\n`).join('');
}

function cell(value: boolean | number | string): string {
  if (typeof value !== 'string') return String(value);
  const shown = formulaStart.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(shown) ? `"${shown.replaceAll('"', '""')}"` : shown;
}
