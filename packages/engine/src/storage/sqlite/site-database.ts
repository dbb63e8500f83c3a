import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { RecordFields } from '@sallyport/core/domain/sites/record';
import type { ReplicatedRecord } from '@sallyport/core/domain/sites/site';
import { RecordError } from '@sallyport/core/domain/sites/record-error';
import type { UpdateEvent, UpdateProjection } from '@sallyport/core/domain/updates/event';
import { messageOf } from '@sallyport/core/shared/errors';
import type { SiteCode } from '@sallyport/core/shared/ids';
import type { ReadTables, SiteDatabase, WriteTables } from '../../ports/site-database.ts';
import { StorageError } from '../storage-error.ts';
import { copyDatabase } from './backup.ts';
import { Connection } from './connection.ts';
import { migrate } from './migrate.ts';
import { siteMigrations } from './migrations.ts';
import { RecordTables } from './records.ts';
import { SettingTables } from './settings.ts';
import { UpdateTables } from './updates.ts';

export interface SiteDatabaseOptions {
  /** Whose database it is; one that belongs to another site is refused. */
  readonly site: SiteCode;
  /** SHA-256 of a record's canonical form: `recordHash` of core's wire room with a digest. */
  readonly hashRecord: (fields: RecordFields) => string;
}

const memoryPath = ':memory:';

/**
 * Opens, and makes or migrates, a site's database: one SQLite file. `:memory:` keeps it in this process only.
 *
 * @throws {StorageError} NEWER_SCHEMA, WRONG_SITE, UNREADABLE
 */
export function openSiteDatabase(path: string, options: SiteDatabaseOptions): SiteDatabase {
  return new SqliteSiteDatabase(path, options);
}

class SqliteSiteDatabase implements SiteDatabase {
  readonly #path: string;
  readonly #writer: Connection;
  /** Its own connection, so that reading never waits for a commit; in memory there is only the one. */
  readonly #reader: Connection;
  readonly #readTables: ReadTables;
  readonly #writeTables: WriteTables;
  readonly #listeners = new Set<() => void>();
  #working = false;
  #closed = false;

  constructor(path: string, options: SiteDatabaseOptions) {
    this.#path = path;
    this.#writer = openWriter(path, options.site);
    this.#reader = path === memoryPath ? this.#writer : new Connection(path, 'read');
    this.#readTables = tablesOf(this.#reader, options);
    this.#writeTables = tablesOf(this.#writer, options);
  }

  read<T>(work: (tables: ReadTables) => T): T {
    return this.#exclusively(() => this.#reader.transaction('BEGIN', () => work(this.#readTables)));
  }

  write<T>(work: (tables: WriteTables) => T): T {
    const changesBefore = totalChanges(this.#writer);
    const result = this.#exclusively(() =>
      this.#writer.transaction('BEGIN IMMEDIATE', () => work(this.#writeTables)),
    );
    if (totalChanges(this.#writer) !== changesBefore) {
      queueMicrotask(() => {
        for (const listener of this.#listeners) {
          listener();
        }
      });
    }
    return result;
  }

  onCommit(listener: () => void): () => void {
    const registered = () => listener();
    this.#listeners.add(registered);
    return () => {
      this.#listeners.delete(registered);
    };
  }

  async backup(targetPath: string): Promise<void> {
    this.#requireOpen();
    if (this.#path !== memoryPath) {
      // A connection of its own: one that nobody writes through copies one snapshot, and never starts again.
      const source = new Connection(this.#path, 'read');
      try {
        await copyDatabase(source.database, targetPath);
      } finally {
        source.close();
      }
      return;
    }
    await copyDatabase(this.#writer.database, targetPath);
  }

  close(): void {
    if (this.#closed) {
      return;
    }
    this.#closed = true;
    this.#listeners.clear();
    if (this.#reader !== this.#writer) {
      this.#reader.close();
    }
    this.#writer.close();
  }

  /** One piece of work at a time: work inside work would see half of a transaction, or wait for itself. */
  #exclusively<T>(work: () => T): T {
    this.#requireOpen();
    if (this.#working) {
      throw new StorageError(
        'NESTED',
        'the work of a database transaction began another: use the tables it was given',
      );
    }
    this.#working = true;
    try {
      return work();
    } finally {
      this.#working = false;
    }
  }

  #requireOpen(): void {
    if (this.#closed) {
      throw new StorageError('CLOSED', `the site database ${this.#path} is closed`);
    }
  }
}

function openWriter(path: string, site: SiteCode): Connection {
  if (path !== memoryPath) {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  }
  let connection: Connection | undefined;
  try {
    connection = new Connection(path, 'write');
    migrate(connection, siteMigrations);
    claim(connection, path, site);
    return connection;
  } catch (cause) {
    connection?.close();
    if (cause instanceof StorageError) {
      throw cause;
    }
    throw new StorageError(
      'UNREADABLE',
      `the site database ${path} cannot be opened (${messageOf(cause)}): check the folder's owner and free space, or restore the latest backup`,
      { path },
      { cause },
    );
  }
}

/** A database is its site's for good: opened for another one, it would speak with a wrong name. */
function claim(connection: Connection, path: string, site: SiteCode): void {
  connection.run(
    'INSERT INTO site_self (id, site, epoch, arrival) VALUES (1, ?, 1, 0) ON CONFLICT DO NOTHING',
    site,
  );
  const owner = String(connection.get('SELECT site FROM site_self WHERE id = 1')?.['site']);
  if (owner !== site) {
    throw new StorageError(
      'WRONG_SITE',
      `the database ${path} belongs to site ${owner}, not ${site}: point the site server at its own data folder`,
      { path, owner, site },
    );
  }
}

function tablesOf(connection: Connection, { site, hashRecord }: SiteDatabaseOptions): WriteTables {
  const updates = new UpdateTables(connection);
  const records: RecordTables = new RecordTables({
    connection,
    site,
    hashRecord,
    onForeignEvent: (record, replaces) => {
      const event = eventOfRecord(record);
      if (replaces) {
        updates.truncate(event.guid, event.site, event.sequence);
        records.removeReplacedEvents(record.owner, record.key, `${event.guid}/`, record.epoch);
      }
      updates.append(event);
    },
  });
  return {
    settings: new SettingTables(connection),
    records,
    updates: {
      projection: (guid, code) => updates.projection(guid, code),
      projections: (filter) => updates.projections(filter),
      events: (filter) => updates.events(filter),
      append: (event): UpdateProjection => {
        const after = updates.append(event);
        if (event.site === site) {
          records.putOwn('update-event', eventKey(event), event, event.at);
        }
        return after;
      },
    },
  };
}

/** Sorts as the sequence does. */
function eventKey(event: UpdateEvent): string {
  return `${event.guid}/${String(event.sequence).padStart(10, '0')}`;
}

/** Bodies are validated when they arrive; here only that the record speaks of what its key and owner say. */
function eventOfRecord(record: ReplicatedRecord): UpdateEvent {
  const event = record.body as UpdateEvent;
  if (event.site !== record.owner || eventKey(event) !== record.key) {
    throw new RecordError(
      'MALFORMED',
      `the record ${record.owner}/${record.kind}/${record.key} holds an event of another package or site`,
      { owner: record.owner, key: record.key },
    );
  }
  return event;
}

function totalChanges(connection: Connection): number {
  return Number(connection.get('SELECT total_changes() AS changes')?.['changes']);
}
