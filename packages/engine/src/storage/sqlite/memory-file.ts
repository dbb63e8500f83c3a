import { messageOf } from '@sallyport/core/shared/errors';
import type { SiteDatabase } from '../../ports/site-database.ts';
import { StorageError } from '../storage-error.ts';
import { ChangeNotes } from './change-notes.ts';
import { Connection } from './connection.ts';
import { prepared, type SiteDatabaseOptions, SqliteSiteDatabase, tablesOf } from './site-database.ts';

/** `serialize` and `deserialize` of node:sqlite, which its types do not have yet: a database as the bytes of its file. */
declare module 'node:sqlite' {
  interface DatabaseSync {
    serialize(): Uint8Array;
    deserialize(bytes: Uint8Array): void;
  }
}

/** SQLite's code of a full disk. */
const fullErrorCode = 13;

/** What a database file in memory is made of. */
export interface MemoryDatabaseFileOptions extends SiteDatabaseOptions {
  /** For messages. */
  readonly name: string;
  /** The bytes of a database to begin with. */
  readonly image?: Uint8Array;
  /** Where `backup` of the databases opened on it puts the bytes. */
  readonly saveBackup: (targetPath: string, image: Uint8Array) => void;
  /** Whether the disk that it stands on is full, so that no commit succeeds. */
  readonly isFull: () => boolean;
}

/**
 * A site's database as a file that is in memory: processes open it one after the other, and what they committed is
 * there for the next. A commit is durable at once.
 */
export class MemoryDatabaseFile {
  readonly #connection: Connection;
  readonly #options: MemoryDatabaseFileOptions;
  readonly #notes = new ChangeNotes();
  readonly #tables: ReturnType<typeof tablesOf>;

  /** @throws {StorageError} NEWER_SCHEMA, WRONG_SITE */
  constructor(options: MemoryDatabaseFileOptions) {
    const connection = new Connection(':memory:', 'write');
    if (options.image !== undefined) connection.database.deserialize(options.image);
    this.#connection = prepared(connection, options.name, options.site);
    this.#tables = tablesOf(connection, options, this.#notes);
    this.#options = options;
  }

  /** The database as one process has it. */
  open(): SiteDatabase {
    const { name, saveBackup, isFull, onListenerFailure } = this.#options;
    return new SqliteSiteDatabase({
      path: name,
      writer: this.#connection,
      reader: this.#connection,
      writeTables: this.#tables,
      readTables: this.#tables,
      notes: this.#notes,
      backup: async (targetPath) => {
        try {
          saveBackup(targetPath, this.image());
        } catch (cause) {
          throw new StorageError(
            'UNWRITABLE',
            `the copy ${targetPath} of the site database cannot be written: ${messageOf(cause)}`,
            { path: targetPath },
            { cause },
          );
        }
      },
      close: () => undefined,
      onListenerFailure,
      beforeCommit: () => {
        // As SQLite says it, so that whoever explains that explains this.
        if (isFull()) throw Object.assign(new Error('database or disk is full'), { errcode: fullErrorCode });
      },
    });
  }

  /** The bytes of the file. */
  image(): Uint8Array {
    return this.#connection.database.serialize();
  }

  /** Frees it; no process may have it open. */
  discard(): void {
    this.#connection.close();
  }
}
