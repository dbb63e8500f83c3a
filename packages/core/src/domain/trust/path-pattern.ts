/**
 * Whether a target path fits a path pattern (TUF 4.5): `*` is any text and `?` any one character within a segment;
 * neither crosses a `/`. Everything else stands for itself, letter case included.
 */
export function matchesPathPattern(path: string, pattern: string): boolean {
  const segments = path.split('/');
  const patterns = pattern.split('/');
  return (
    segments.length === patterns.length &&
    segments.every((segment, index) => matchesSegment(segment, patterns[index] ?? ''))
  );
}

/** Goes back only to the last `*`, so the work is at most the product of both lengths. */
function matchesSegment(segmentText: string, patternText: string): boolean {
  const segment = Array.from(segmentText);
  const pattern = Array.from(patternText);
  let at = 0;
  let inPattern = 0;
  let lastStar = -1;
  let starAt = 0;
  while (at < segment.length) {
    const wanted = pattern[inPattern];
    if (wanted === '*') {
      lastStar = inPattern;
      starAt = at;
      inPattern += 1;
    } else if (wanted === '?' || wanted === segment[at]) {
      at += 1;
      inPattern += 1;
    } else if (lastStar >= 0) {
      starAt += 1;
      at = starAt;
      inPattern = lastStar + 1;
    } else {
      return false;
    }
  }
  return pattern.slice(inPattern).every((wanted) => wanted === '*');
}
