import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { type Dialect, SqliteDialect } from 'kysely';

/**
 * node:sqlite behind Kysely's own SQLite dialect. Every commit is on disk before it is told (WAL, full
 * synchronisation); foreign keys are enforced; what is deleted is overwritten.
 */
export function nodeSqliteDialect(path: string): Dialect {
  const database = new DatabaseSync(path, { timeout: 10_000, enableForeignKeyConstraints: true });
  try {
    database.exec(
      'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF; PRAGMA secure_delete = ON;',
    );
  } catch (failure) {
    database.close();
    throw failure;
  }
  // From here on nothing waits inside SQLite, which would stop the whole process: writers wait outside it.
  database.exec('PRAGMA busy_timeout = 0;');
  return new SqliteDialect({
    database: {
      close: () => database.close(),
      prepare: (sql) => {
        const statement = database.prepare(sql);
        return {
          reader: statement.columns().length > 0,
          all: (parameters) => statement.all(...bindable(parameters)),
          run: (parameters) => statement.run(...bindable(parameters)),
          iterate: (parameters) => statement.iterate(...bindable(parameters)),
        };
      },
    },
  });
}

/** Kysely's types say unknown; what it binds are the values that the typed queries name. */
function bindable(parameters: readonly unknown[]): SQLInputValue[] {
  return parameters as SQLInputValue[];
}
