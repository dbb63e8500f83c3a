import type { SettingReads, SettingWrites } from '../../ports/site-database.ts';
import type { ChangeNotes } from './change-notes.ts';
import type { Connection } from './connection.ts';

export const settingSchema = `
  CREATE TABLE setting (
    name TEXT PRIMARY KEY CHECK (length(name) BETWEEN 1 AND 100),
    value TEXT NOT NULL CHECK (json_valid(value))
  ) STRICT, WITHOUT ROWID`;

/**
 * Small named JSON documents. What is read is frozen, and stays the same value for as long as the same text is stored:
 * every component reads some of them at every pass.
 */
export class SettingTables implements SettingReads, SettingWrites {
  readonly #connection: Connection;
  readonly #notes: ChangeNotes;
  readonly #read = new Map<string, { readonly text: string; readonly value: unknown }>();

  constructor(connection: Connection, notes: ChangeNotes) {
    this.#connection = connection;
    this.#notes = notes;
  }

  get(name: string): unknown {
    const row = this.#connection.get('SELECT value FROM setting WHERE name = ?', name);
    if (row === undefined) {
      this.#read.delete(name);
      return undefined;
    }
    const text = String(row['value']);
    const before = this.#read.get(name);
    if (before?.text === text) return before.value;
    const value: unknown = frozen(JSON.parse(text));
    this.#read.set(name, { text, value });
    return value;
  }

  put(name: string, value: unknown): void {
    const text = JSON.stringify(value) as string | undefined;
    if (text === undefined) {
      throw new TypeError(`setting "${name}": undefined has no JSON; use remove`);
    }
    const changed = this.#connection.run(
      `INSERT INTO setting (name, value) VALUES (?, ?)
       ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE value <> excluded.value`,
      name,
      text,
    );
    if (changed > 0) this.#notes.setting(name);
  }

  remove(name: string): void {
    if (this.#connection.run('DELETE FROM setting WHERE name = ?', name) > 0) this.#notes.setting(name);
  }
}

function frozen(value: unknown): unknown {
  if (typeof value === 'object' && value !== null) {
    for (const item of Object.values(value)) frozen(item);
    Object.freeze(value);
  }
  return value;
}
