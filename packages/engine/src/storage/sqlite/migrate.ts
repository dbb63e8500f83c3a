import { StorageError } from '../storage-error.ts';
import type { Connection } from './connection.ts';

/**
 * One step of a schema. Forward only, and unchanged once released: whoever has applied it never sees it again.
 * A step only adds; `breaking` marks one that a release before it cannot work with.
 */
export interface Migration {
  /** From 1, without gaps, over all areas. */
  readonly number: number;
  readonly name: string;
  readonly breaking: boolean;
  readonly sql: string;
}

const bookkeeping = `
  CREATE TABLE IF NOT EXISTS migration (
    number INTEGER PRIMARY KEY CHECK (number >= 1),
    name TEXT NOT NULL,
    breaking INTEGER NOT NULL CHECK (breaking IN (0, 1))
  ) STRICT`;

/**
 * Brings a database to the newest of `migrations`. Of several processes that start at once one does the work and
 * the others find it done. A newer schema is accepted as long as none of its steps is breaking, so that the release
 * before can be restored.
 *
 * @throws {StorageError} NEWER_SCHEMA
 */
export function migrate(connection: Connection, migrations: readonly Migration[]): void {
  connection.transaction('BEGIN IMMEDIATE', () => {
    connection.database.exec(bookkeeping);
    const applied = connection.all('SELECT number, name, breaking FROM migration ORDER BY number');
    const newest = migrations.at(-1)?.number ?? 0;
    const unusable = applied.find((row) => Number(row['number']) > newest && row['breaking'] === 1);
    if (unusable !== undefined) {
      throw new StorageError(
        'NEWER_SCHEMA',
        `the database has been changed by a newer release (step ${Number(unusable['number'])}, "${String(unusable['name'])}"), ` +
          `and this one knows steps up to ${newest} only: start the newer release, or restore the backup made before it`,
        { step: Number(unusable['number']), newest },
      );
    }
    const last = Number(applied.at(-1)?.['number'] ?? 0);
    for (const migration of migrations.filter(({ number }) => number > last)) {
      connection.database.exec(migration.sql);
      connection.run(
        'INSERT INTO migration (number, name, breaking) VALUES (?, ?, ?)',
        migration.number,
        migration.name,
        migration.breaking ? 1 : 0,
      );
    }
  });
}
