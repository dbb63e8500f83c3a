import type { SettingReads, SettingWrites } from '../../ports/site-database.ts';
import type { Connection } from './connection.ts';

export const settingSchema = `
  CREATE TABLE setting (
    name TEXT PRIMARY KEY CHECK (length(name) BETWEEN 1 AND 100),
    value TEXT NOT NULL CHECK (json_valid(value))
  ) STRICT, WITHOUT ROWID`;

/** Small named JSON documents. */
export class SettingTables implements SettingReads, SettingWrites {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  get(name: string): unknown {
    const row = this.#connection.get('SELECT value FROM setting WHERE name = ?', name);
    return row && JSON.parse(String(row['value']));
  }

  put(name: string, value: unknown): void {
    const text = JSON.stringify(value) as string | undefined;
    if (text === undefined) {
      throw new TypeError(`setting "${name}": undefined has no JSON; use remove`);
    }
    this.#connection.run(
      `INSERT INTO setting (name, value) VALUES (?, ?)
       ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE value <> excluded.value`,
      name,
      text,
    );
  }

  remove(name: string): void {
    this.#connection.run('DELETE FROM setting WHERE name = ?', name);
  }
}
