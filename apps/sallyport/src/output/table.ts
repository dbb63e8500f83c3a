import { stripVTControlCharacters } from 'node:util';

/**
 * Lines of a table with aligned columns, two spaces between them, for people. Numbers (cells that
 * begin with a digit in every row) stand right. Control characters of cells are left out, so that no
 * text from elsewhere can drive the terminal.
 */
export function formatTable(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [headings, ...rows].map((row) => headings.map((_, column) => plain(row[column] ?? '')));
  const widths = headings.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  const numeric = headings.map(
    (_, column) =>
      rows.length > 0 &&
      cells
        .slice(1)
        .every((row) => /^[\d–-]/.test(row[column] ?? '') && /^[\d.,\s–-]*\S{0,3}$/.test(row[column] ?? '')),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) =>
        numeric[column] ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd();
  return cells
    .map(line)
    .toSpliced(1, 0, widths.map((width) => '─'.repeat(width)).join('  '))
    .join('\n');
}

/** Text without control characters or terminal escapes; line breaks become spaces. */
export function plain(text: string): string {
  return stripVTControlCharacters(text).replaceAll(/[\p{Cc}\p{Cf}]+/gu, ' ');
}
