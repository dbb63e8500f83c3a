import { epochMax } from '@sallyport/core/domain/sites/epoch';
import { forkOf, judgeRecord, type RecordFields } from '@sallyport/core/domain/sites/record';
import type { RecordKind, ReplicatedRecord } from '@sallyport/core/domain/sites/site';
import type { EpochMs, SiteCode } from '@sallyport/core/shared/ids';
import type { RecordReads, RecordWrites } from '../../ports/site-database.ts';
import { StorageError } from '../storage-error.ts';
import type { ChangeNotes } from './change-notes.ts';
import type { Connection, Row } from './connection.ts';

export const recordSchema = `
  CREATE TABLE site_self (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    site TEXT NOT NULL CHECK (length(site) = 3),
    epoch INTEGER NOT NULL CHECK (epoch >= 1),
    arrival INTEGER NOT NULL CHECK (arrival >= 0)
  ) STRICT;

  CREATE TABLE record (
    owner TEXT NOT NULL CHECK (length(owner) = 3),
    kind TEXT NOT NULL CHECK (length(kind) > 0),
    key TEXT NOT NULL CHECK (length(key) > 0),
    epoch INTEGER NOT NULL CHECK (epoch >= 1),
    n INTEGER NOT NULL CHECK (n >= 1),
    body TEXT NOT NULL CHECK (json_valid(body)),
    hash TEXT NOT NULL CHECK (length(hash) = 64),
    arrival INTEGER NOT NULL CHECK (arrival >= 1),
    written_at INTEGER,
    PRIMARY KEY (owner, kind, key)
  ) STRICT, WITHOUT ROWID;
  CREATE UNIQUE INDEX record_arrival ON record (arrival);
  CREATE INDEX record_kind ON record (kind, owner, key);

  CREATE TABLE record_cursor (
    peer TEXT PRIMARY KEY CHECK (length(peer) = 3),
    cursor INTEGER NOT NULL CHECK (cursor >= 0)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE record_usage (
    owner TEXT PRIMARY KEY,
    count INTEGER NOT NULL CHECK (count >= 0),
    size_bytes INTEGER NOT NULL CHECK (size_bytes >= 0)
  ) STRICT, WITHOUT ROWID`;

const columns = 'owner, kind, key, epoch, n, body, hash, arrival';

/** Every replicated record that this site holds, in the order in which it came or changed. */
export class RecordTables implements RecordReads, RecordWrites {
  readonly #connection: Connection;
  readonly #notes: ChangeNotes;
  readonly #site: SiteCode;
  readonly #hashRecord: (fields: RecordFields) => string;
  readonly #onForeignEvent: (record: ReplicatedRecord, replaces: boolean) => void;

  constructor(options: {
    readonly connection: Connection;
    readonly notes: ChangeNotes;
    readonly site: SiteCode;
    readonly hashRecord: (fields: RecordFields) => string;
    /** Called in the transaction for each `update-event` of another site that is taken. */
    readonly onForeignEvent: (record: ReplicatedRecord, replaces: boolean) => void;
  }) {
    this.#connection = options.connection;
    this.#notes = options.notes;
    this.#site = options.site;
    this.#hashRecord = options.hashRecord;
    this.#onForeignEvent = options.onForeignEvent;
  }

  get(owner: SiteCode, kind: RecordKind, key: string): ReplicatedRecord | undefined {
    const row = this.#connection.get(
      `SELECT ${columns} FROM record WHERE owner = ? AND kind = ? AND key = ?`,
      owner,
      kind,
      key,
    );
    return row && recordOf(row);
  }

  list(filter: { readonly kind?: RecordKind; readonly owner?: SiteCode }): readonly ReplicatedRecord[] {
    const { kind, owner } = filter;
    const conditions = [
      ...(owner === undefined ? [] : ['owner = ?']),
      ...(kind === undefined ? [] : ['kind = ?']),
    ];
    const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
    const values = [owner, kind].filter((value) => value !== undefined);
    return this.#connection
      .all(`SELECT ${columns} FROM record ${where} ORDER BY owner, kind, key`, ...values)
      .map(recordOf);
  }

  after(
    after: number,
    limit: number,
    kind?: RecordKind,
  ): readonly { readonly arrival: number; readonly record: ReplicatedRecord }[] {
    // The plus keeps SQLite on the index by arrival: what is new is little, and one kind may be much.
    const ofKind = kind === undefined ? '' : 'AND +kind = ?';
    const values = kind === undefined ? [after, limit] : [after, kind, limit];
    return this.#connection
      .all(`SELECT ${columns} FROM record WHERE arrival > ? ${ofKind} ORDER BY arrival LIMIT ?`, ...values)
      .map((row) => ({ arrival: Number(row['arrival']), record: recordOf(row) }));
  }

  head(): number {
    return Number(this.#self()['arrival']);
  }

  cursor(peer: SiteCode): number {
    return Number(
      this.#connection.get('SELECT cursor FROM record_cursor WHERE peer = ?', peer)?.['cursor'] ?? 0,
    );
  }

  epoch(): number {
    return Number(this.#self()['epoch']);
  }

  usage(owners: readonly SiteCode[]): { readonly count: number; readonly sizeBytes: number } {
    let count = 0;
    let sizeBytes = 0;
    for (const owner of owners) {
      const row = this.#connection.get('SELECT count, size_bytes FROM record_usage WHERE owner = ?', owner);
      count += Number(row?.['count'] ?? 0);
      sizeBytes += Number(row?.['size_bytes'] ?? 0);
    }
    return { count, sizeBytes };
  }

  putOwn(kind: RecordKind, key: string, body: unknown, at: EpochMs): ReplicatedRecord {
    const held = this.get(this.#site, kind, key);
    if (held !== undefined && this.#hashRecord({ ...fieldsOf(held), body }) === held.hash) {
      return held;
    }
    const fields: RecordFields = {
      owner: this.#site,
      kind,
      key,
      epoch: this.epoch(),
      n: (held?.n ?? 0) + 1,
      body,
    };
    const record = { ...fields, hash: this.#hashRecord(fields) };
    this.#store(record, held, at);
    return record;
  }

  apply(peer: SiteCode, records: readonly ReplicatedRecord[], cursor: number): readonly ReplicatedRecord[] {
    const changed: ReplicatedRecord[] = [];
    for (const record of records) {
      if (record.owner === this.#site) {
        this.#checkOwn(record);
      } else if (this.#applyForeign(record)) {
        changed.push(record);
      }
    }
    this.setCursor(peer, cursor);
    return changed;
  }

  setCursor(peer: SiteCode, cursor: number): void {
    this.#connection.run(
      `INSERT INTO record_cursor (peer, cursor) VALUES (?, ?)
       ON CONFLICT (peer) DO UPDATE SET cursor = excluded.cursor WHERE cursor <> excluded.cursor`,
      peer,
      cursor,
    );
  }

  raiseEpoch(to: number): void {
    if (to <= this.epoch()) return;
    if (to > epochMax) {
      throw new StorageError(
        'EPOCH_LIMIT',
        `site ${this.#site} cannot begin epoch ${to}: ${epochMax} is the last that other sites accept; name a lower one, or revoke the site and set it up anew under another site code`,
        { site: this.#site, epoch: to },
      );
    }
    this.#connection.run('UPDATE site_self SET epoch = ? WHERE id = 1', to);
    for (const { kind, key } of this.#ownInOrder()) {
      const held = this.get(this.#site, kind, key);
      if (held === undefined) continue;
      this.#notes.record(kind);
      if (kind === 'update-event') this.#notes.update(this.#site);
      this.#connection.run(
        'UPDATE record SET epoch = ?, hash = ?, arrival = ? WHERE owner = ? AND kind = ? AND key = ?',
        to,
        this.#hashRecord({ ...fieldsOf(held), epoch: to }),
        this.#nextArrival(),
        this.#site,
        kind,
        key,
      );
    }
  }

  /** What this site has written, in the order in which it did. */
  #ownInOrder(): readonly { readonly kind: RecordKind; readonly key: string }[] {
    return this.#connection
      .all('SELECT kind, key FROM record WHERE owner = ? ORDER BY arrival', this.#site)
      .map((row) => ({ kind: row['kind'] as RecordKind, key: String(row['key']) }));
  }

  /** Removes the events of a package that an owner's higher epoch has replaced: those after `key`, of lower epochs. */
  removeReplacedEvents(owner: SiteCode, key: string, keyPrefix: string, epoch: number): void {
    const rows = this.#connection.all(
      `DELETE FROM record WHERE owner = ? AND kind = 'update-event' AND key > ? AND substr(key, 1, length(?)) = ? AND epoch < ?
       RETURNING ${columns}`,
      owner,
      key,
      keyPrefix,
      keyPrefix,
      epoch,
    );
    for (const row of rows) {
      this.#count(owner, -1, -sizeOf(String(row['key']), String(row['body'])));
    }
  }

  /** A peer that knows more of this site's own writes than the site itself: this database is an old copy. */
  #checkOwn(record: ReplicatedRecord): void {
    const held = this.get(record.owner, record.kind, record.key);
    const verdict = judgeRecord(held, record);
    if (verdict === 'fork' || ((verdict === 'newer' || verdict === 'new') && record.epoch >= this.epoch())) {
      throw forkOf(record);
    }
  }

  #applyForeign(record: ReplicatedRecord): boolean {
    const held = this.get(record.owner, record.kind, record.key);
    const verdict = judgeRecord(held, record);
    if (verdict === 'fork') {
      throw forkOf(record);
    }
    if (verdict === 'same' || verdict === 'older') {
      return false;
    }
    if (record.kind === 'update-event') {
      // An event never changes: within one epoch another version of it is another history.
      if (held?.epoch === record.epoch) {
        throw forkOf(record);
      }
      this.#onForeignEvent(record, held !== undefined);
    }
    this.#store(record, held, null);
    return true;
  }

  #store(record: ReplicatedRecord, held: ReplicatedRecord | undefined, writtenAt: EpochMs | null): void {
    this.#notes.record(record.kind);
    const body = JSON.stringify(record.body);
    const arrival = this.#nextArrival();
    this.#connection.run(
      `INSERT INTO record (${columns}, written_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (owner, kind, key) DO UPDATE SET epoch = excluded.epoch, n = excluded.n, body = excluded.body,
         hash = excluded.hash, arrival = excluded.arrival, written_at = excluded.written_at`,
      record.owner,
      record.kind,
      record.key,
      record.epoch,
      record.n,
      body,
      record.hash,
      arrival,
      writtenAt,
    );
    const before = held === undefined ? 0 : sizeOf(held.key, JSON.stringify(held.body));
    this.#count(record.owner, held === undefined ? 1 : 0, sizeOf(record.key, body) - before);
  }

  #nextArrival(): number {
    return Number(
      this.#connection.get('UPDATE site_self SET arrival = arrival + 1 WHERE id = 1 RETURNING arrival')?.[
        'arrival'
      ],
    );
  }

  #count(owner: SiteCode, count: number, sizeBytes: number): void {
    this.#connection.run(
      'INSERT INTO record_usage (owner, count, size_bytes) VALUES (?, 0, 0) ON CONFLICT DO NOTHING',
      owner,
    );
    this.#connection.run(
      'UPDATE record_usage SET count = count + ?, size_bytes = size_bytes + ? WHERE owner = ?',
      count,
      sizeBytes,
      owner,
    );
  }

  #self(): Row {
    return this.#connection.get('SELECT epoch, arrival FROM site_self WHERE id = 1') ?? {};
  }
}

function recordOf(row: Row): ReplicatedRecord {
  return {
    owner: String(row['owner']) as SiteCode,
    kind: String(row['kind']) as RecordKind,
    key: String(row['key']),
    epoch: Number(row['epoch']),
    n: Number(row['n']),
    body: JSON.parse(String(row['body'])),
    hash: String(row['hash']),
  };
}

function fieldsOf({ owner, kind, key, epoch, n, body }: ReplicatedRecord): RecordFields {
  return { owner, kind, key, epoch, n, body };
}

function sizeOf(key: string, body: string): number {
  return Buffer.byteLength(key) + Buffer.byteLength(body);
}
