/** The candidate that somebody who wrote `text` most likely meant; undefined when none is near. */
export function nearest(text: string, candidates: Iterable<string>): string | undefined {
  let best: { readonly candidate: string; readonly distance: number } | undefined;
  for (const candidate of candidates) {
    const distance = editDistance(text.toLowerCase(), candidate.toLowerCase());
    const limit = Math.max(1, Math.floor(Math.max(text.length, candidate.length) / 3));
    if (distance <= limit && (best === undefined || distance < best.distance)) {
      best = { candidate, distance };
    }
  }
  return best?.candidate;
}

/** `did you mean "x"?`, or what else there is. */
export function suggestion(text: string, candidates: readonly string[]): string {
  const meant = nearest(text, candidates);
  return meant === undefined
    ? `use one of ${candidates.join(', ')}`
    : `did you mean "${meant}"? Known are ${candidates.join(', ')}`;
}

/** Levenshtein distance with transpositions, of texts as short as names. */
function editDistance(a: string, b: string): number {
  const width = b.length + 1;
  const cells = new Uint16Array((a.length + 1) * width);
  const cell = (row: number, column: number): number => cells[row * width + column] ?? 0;
  for (let row = 0; row <= a.length; row += 1) {
    for (let column = 0; column <= b.length; column += 1) {
      let value = row === 0 ? column : column === 0 ? row : Infinity;
      if (row > 0 && column > 0) {
        const same = a[row - 1] === b[column - 1];
        value = Math.min(
          cell(row - 1, column) + 1,
          cell(row, column - 1) + 1,
          cell(row - 1, column - 1) + (same ? 0 : 1),
        );
        if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
          value = Math.min(value, cell(row - 2, column - 2) + 1);
        }
      }
      cells[row * width + column] = value;
    }
  }
  return cell(a.length, b.length);
}
