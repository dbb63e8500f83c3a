/** What the disk says, by SQLite's primary result code. */
const problems: ReadonlyMap<number, string> = new Map([
  [8, 'it is read-only: let the user that runs this program write there'],
  [10, 'the disk failed: check it'],
  [13, 'the disk is full: make room on it'],
  [14, 'it, or a file beside it, cannot be opened: see that the folder is there, is writable and has room'],
]);
/** CORRUPT and NOTADB. */
const damageCodes: ReadonlySet<number> = new Set([11, 26]);

/** Cause and remedy of what SQLite threw, when the disk is to blame; undefined for everything else. */
export function diskProblemOf(thrown: unknown): string | undefined {
  return problems.get(primaryCodeOf(thrown));
}

/** Whether SQLite found the file itself to be damaged: nothing goes on by itself then. */
export function isDamage(thrown: unknown): boolean {
  return damageCodes.has(primaryCodeOf(thrown));
}

function primaryCodeOf(thrown: unknown): number {
  return thrown instanceof Error && 'errcode' in thrown && typeof thrown.errcode === 'number'
    ? thrown.errcode & 0xff
    : 0;
}
