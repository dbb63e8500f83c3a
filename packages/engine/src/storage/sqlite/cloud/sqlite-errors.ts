/** SQLITE_BUSY: another connection holds the lock. */
export const sqliteBusy = 5;

/** SQLite's own (extended) result code of what node:sqlite threw; undefined for anything else. */
export function errorCodeOf(thrown: unknown): number | undefined {
  return thrown instanceof Error && 'errcode' in thrown && typeof thrown.errcode === 'number'
    ? thrown.errcode
    : undefined;
}
