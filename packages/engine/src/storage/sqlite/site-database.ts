import { dirname } from 'node:path';
import type { RecordFields } from '@sallyport/core/domain/sites/record';
import type { ReplicatedRecord } from '@sallyport/core/domain/sites/site';
import { RecordError } from '@sallyport/core/domain/sites/record-error';
import type { UpdateEvent, UpdateProjection } from '@sallyport/core/domain/updates/event';
import { messageOf } from '@sallyport/core/shared/errors';
import type { SiteCode } from '@sallyport/core/shared/ids';
import type { Change, ReadTables, SiteDatabase, WriteTables } from '../../ports/site-database.ts';
import { makeFolderDurablySync } from '../files/durable-folder.ts';
import { StorageError } from '../storage-error.ts';
import { AuditTables } from './audit.ts';
import { copyDatabase } from './backup.ts';
import { ChangeNotes } from './change-notes.ts';
import { Connection, damagedDatabase } from './connection.ts';
import { isDamage } from './disk-problem.ts';
import { migrate } from './migrate.ts';
import { siteMigrations } from './migrations.ts';
import { RecordTables } from './records.ts';
import { SettingTables } from './settings.ts';
import { StatisticTables } from './statistics.ts';
import { UsageReportTables } from './usage-reports.ts';
import { UpdateTables } from './updates.ts';

export interface SiteDatabaseOptions {
  /** Whose database it is; one that belongs to another site is refused. */
  readonly site: SiteCode;
  /** SHA-256 of a record's canonical form: `recordHash` of core's wire room with a digest. */
  readonly hashRecord: (fields: RecordFields) => string;
  /** Told when a listener of `onCommit` has thrown. Without it that is an uncaught error of the process. */
  readonly onListenerFailure?: (error: unknown) => void;
}

const memoryPath = ':memory:';

/**
 * Opens, and makes or migrates, a site's database: one SQLite file. `:memory:` keeps it in this process only.
 *
 * @throws {StorageError} NEWER_SCHEMA, WRONG_SITE, UNREADABLE
 */
export function openSiteDatabase(path: string, options: SiteDatabaseOptions): SiteDatabase {
  const writer = openWriter(path, options.site);
  // Its own connection, so that reading never waits for a commit; in memory there is only the one.
  const reader = path === memoryPath ? writer : new Connection(path, 'read');
  const notes = new ChangeNotes();
  const writeTables = tablesOf(writer, options, notes);
  return new SqliteSiteDatabase({
    path,
    writer,
    reader,
    writeTables,
    readTables: reader === writer ? writeTables : tablesOf(reader, options),
    notes,
    backup: (targetPath) => copyFrom(path, writer, targetPath),
    onListenerFailure: options.onListenerFailure,
    close: () => {
      if (reader !== writer) {
        reader.close();
      }
      writer.close();
    },
  });
}

/** What a database works on. */
export interface SiteDatabaseParts {
  /** For messages. */
  readonly path: string;
  readonly writer: Connection;
  readonly reader: Connection;
  readonly readTables: ReadTables;
  readonly writeTables: WriteTables;
  /** Where the tables that are written through note what they change. */
  readonly notes: ChangeNotes;
  readonly backup: (targetPath: string) => Promise<void>;
  /** Lets go of the connections. */
  readonly close: () => void;
  /** Called before the commit of whatever changed something; what it throws undoes the change. */
  readonly beforeCommit?: () => void;
  /** As in `SiteDatabaseOptions`. */
  readonly onListenerFailure?: ((error: unknown) => void) | undefined;
}

/** A site's database on connections that are open. */
export class SqliteSiteDatabase implements SiteDatabase {
  readonly #parts: SiteDatabaseParts;
  readonly #listeners = new Set<(change: Change) => void>();
  #working = false;
  #closed = false;

  constructor(parts: SiteDatabaseParts) {
    this.#parts = parts;
  }

  read<T>(work: (tables: ReadTables) => T): T {
    const { reader, readTables } = this.#parts;
    return this.#exclusively(() => reader.transaction('BEGIN', () => work(readTables)));
  }

  write<T>(work: (tables: WriteTables) => T): T {
    const { writer, writeTables, notes, beforeCommit } = this.#parts;
    const result = this.#exclusively(() => {
      // What was rolled back is no news.
      notes.take();
      const changesBefore = beforeCommit === undefined ? 0 : totalChanges(writer);
      return writer.transaction('BEGIN IMMEDIATE', () => {
        const answer = work(writeTables);
        if (beforeCommit !== undefined && totalChanges(writer) !== changesBefore) {
          beforeCommit();
        }
        return answer;
      });
    });
    const change = notes.take();
    if (change !== undefined) {
      queueMicrotask(() => {
        for (const listener of this.#listeners) this.#notify(listener, change);
      });
    }
    return result;
  }

  /** What was committed is so whatever a listener thinks of it: one that fails keeps no other from hearing. */
  #notify(listener: (change: Change) => void, change: Change): void {
    try {
      listener(change);
    } catch (error) {
      const report = this.#parts.onListenerFailure ?? uncaught;
      report(error);
    }
  }

  onCommit(listener: (change: Change) => void): () => void {
    const registered = (change: Change): void => listener(change);
    this.#listeners.add(registered);
    return () => {
      this.#listeners.delete(registered);
    };
  }

  async backup(targetPath: string): Promise<void> {
    this.#requireOpen();
    await this.#parts.backup(targetPath);
  }

  close(): void {
    if (this.#closed) {
      return;
    }
    this.#closed = true;
    this.#listeners.clear();
    this.#parts.close();
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
      throw new StorageError('CLOSED', `the site database ${this.#parts.path} is closed`);
    }
  }
}

async function copyFrom(path: string, writer: Connection, targetPath: string): Promise<void> {
  if (path === memoryPath) {
    await copyDatabase(writer.database, targetPath);
    return;
  }
  // A connection of its own: one that nobody writes through copies one snapshot, and never starts again.
  const source = new Connection(path, 'read');
  try {
    await copyDatabase(source.database, targetPath);
  } finally {
    source.close();
  }
}

function openWriter(path: string, site: SiteCode): Connection {
  if (path !== memoryPath) {
    makeFolderDurablySync(dirname(path), 0o700);
  }
  let connection: Connection | undefined;
  try {
    connection = new Connection(path, 'write');
    requireWhole(connection, path);
    return prepared(connection, path, site);
  } catch (cause) {
    connection?.close();
    if (cause instanceof StorageError) throw cause;
    if (isDamage(cause)) throw damagedDatabase(path, cause);
    throw new StorageError(
      'UNREADABLE',
      `the site database ${path} cannot be opened (${messageOf(cause)}): check the folder's owner and free space, or restore the latest backup`,
      { path },
      { cause },
    );
  }
}

/** Damage in the middle of a file shows only when somebody comes by, and by then has spread into backups. */
function requireWhole(connection: Connection, path: string): void {
  const found = String(connection.get('PRAGMA quick_check(1)')?.['quick_check']);
  if (found !== 'ok') throw damagedDatabase(path, new Error(found.replaceAll(/\s+/g, ' ').trim()));
}

/** Brings a connection's database to the form of this release, for its site. @throws {StorageError} NEWER_SCHEMA, WRONG_SITE */
export function prepared(connection: Connection, path: string, site: SiteCode): Connection {
  migrate(connection, siteMigrations);
  claim(connection, path, site);
  return connection;
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

/** The tables of a connection whose database is prepared. Those that are written through note what they change. */
export function tablesOf(
  connection: Connection,
  { site, hashRecord }: SiteDatabaseOptions,
  notes = new ChangeNotes(),
): WriteTables {
  const updates = new UpdateTables(connection, notes);
  const records: RecordTables = new RecordTables({
    connection,
    notes,
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
    settings: new SettingTables(connection, notes),
    statistics: new StatisticTables(connection, site),
    reports: new UsageReportTables(connection),
    audit: new AuditTables(connection),
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

/** The way of an error that nobody is there to hear of. */
function uncaught(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
