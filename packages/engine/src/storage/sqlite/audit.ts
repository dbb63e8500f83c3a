import type { AuditEntry, AuditReads, AuditWrites } from '../../ports/audit.ts';
import type { Connection, Row } from './connection.ts';

export const auditSchema = `
  CREATE TABLE audit (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    by TEXT NOT NULL CHECK (length(by) > 0),
    action TEXT NOT NULL CHECK (length(action) > 0),
    text TEXT NOT NULL CHECK (length(text) > 0),
    data TEXT NOT NULL CHECK (json_valid(data))
  ) STRICT;
  CREATE TRIGGER audit_never_changes BEFORE UPDATE ON audit
  BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END;
  CREATE TRIGGER audit_never_forgets BEFORE DELETE ON audit
  BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END`;

/** Who decided what. The database itself refuses to change or remove an entry. */
export class AuditTables implements AuditReads, AuditWrites {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  entries(limit: number): readonly AuditEntry[] {
    return this.#connection
      .all('SELECT sequence, at, by, action, text, data FROM audit ORDER BY sequence DESC LIMIT ?', limit)
      .map(entryOf);
  }

  append({ at, by, action, text, data }: Omit<AuditEntry, 'sequence'>): void {
    this.#connection.run(
      'INSERT INTO audit (at, by, action, text, data) VALUES (?, ?, ?, ?, ?)',
      Math.round(at),
      by,
      action,
      text,
      JSON.stringify(data),
    );
  }
}

function entryOf(row: Row): AuditEntry {
  return {
    sequence: Number(row['sequence']),
    at: Number(row['at']),
    by: String(row['by']),
    action: String(row['action']),
    text: String(row['text']),
    data: JSON.parse(String(row['data'])) as AuditEntry['data'],
  };
}
