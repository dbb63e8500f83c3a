import type { ReplicatedRecord, RecordKind } from '@sallyport/core/domain/sites/site';
import type { UpdateEvent, UpdateProjection } from '@sallyport/core/domain/updates/event';
import type { EpochMs, PackageGuid, SiteCode } from '@sallyport/core/shared/ids';
import type { AuditReads, AuditWrites } from './audit.ts';
import type { ReportReads, ReportWrites } from './usage-reports.ts';

/**
 * A site's database. All of a transaction or nothing; what `write` answered is durable. Work runs
 * synchronously and does nothing but SQL: effects leave as rows that a component acts upon after
 * the commit. `read` sees one snapshot.
 */
export interface SiteDatabase {
  read<T>(work: (tables: ReadTables) => T): T;
  write<T>(work: (tables: WriteTables) => T): T;
  /**
   * Called after each commit of `write` (of this process) that changed updates, records or settings, with what it
   * changed. Answers how to stop listening.
   */
  onCommit(listener: (change: Change) => void): () => void;
  /** A consistent copy of the whole database, durable before it resolves. */
  backup(targetPath: string): Promise<void>;
  close(): void;
}

/** What a commit has changed: whoever depends on nothing of it need not look again. */
export interface Change {
  /** Sites with new update events. */
  readonly updates: ReadonlySet<SiteCode>;
  /** Kinds of records that came, or changed. */
  readonly records: ReadonlySet<RecordKind>;
  /** Names of settings. */
  readonly settings: ReadonlySet<string>;
}

export interface ReadTables {
  readonly updates: UpdateReads;
  readonly records: RecordReads;
  readonly settings: SettingReads;
  readonly statistics: StatisticReads;
  readonly reports: ReportReads;
  readonly audit: AuditReads;
}

export interface WriteTables {
  readonly updates: UpdateReads & UpdateWrites;
  readonly records: RecordReads & RecordWrites;
  readonly settings: SettingReads & SettingWrites;
  readonly statistics: StatisticReads;
  readonly reports: ReportReads & ReportWrites;
  readonly audit: AuditReads & AuditWrites;
}

/**
 * What a database says of itself. Everything is counted anew, up to a limit: the time that one of these takes does not
 * grow with a hierarchy's years.
 */
export interface StatisticReads {
  /** Pages in use and free, and the write-ahead log; the log of a database in memory is empty. */
  size(): { readonly fileBytes: number; readonly freeBytes: number; readonly walBytes: number };
  /** Number of the last step of the schema. */
  schemaStep(): number;
  /** Every table with its rows, counted up to `rowsMax` each, by name. */
  tables(rowsMax: number): readonly { readonly table: string; readonly rows: number }[];
  /** Records by kind and whether they are this site's own, looked at up to `recordsMax` of each kind; in the order of kinds. */
  recordKinds(recordsMax: number): readonly RecordStatistic[];
  /** Settings, and the bytes of their texts. */
  settings(): { readonly count: number; readonly bytes: number };
  /** One site's events from `since` on, the newest `eventsMax`; oldest first. */
  eventsSince(site: SiteCode, since: EpochMs, eventsMax: number): readonly UpdateEvent[];
  /** When the first thing happened at a site that is still told; undefined when nothing did. */
  firstEventAt(site: SiteCode): EpochMs | undefined;
}

export interface RecordStatistic {
  readonly kind: RecordKind;
  readonly own: boolean;
  readonly count: number;
  /** Their bodies as stored. */
  readonly bytes: number;
  readonly largestBytes: number;
}

/** Small named documents of this site (JSON): `site`, `exchange`, `offer`, `windows`, … Each name has one owner component. */
export interface SettingReads {
  get(name: string): unknown;
}
export interface SettingWrites {
  put(name: string, value: unknown): void;
  remove(name: string): void;
}

/** The append-only `update_event` log and its projection, for every (package, site) this site knows of. */
export interface UpdateReads {
  projection(guid: PackageGuid, site: SiteCode): UpdateProjection | undefined;
  projections(filter?: {
    readonly guid?: PackageGuid;
    readonly site?: SiteCode;
  }): readonly UpdateProjection[];
  events(filter: { readonly guid?: PackageGuid; readonly site?: SiteCode }): readonly UpdateEvent[];
}
export interface UpdateWrites {
  /**
   * Appends an event with its expected sequence (the projection's plus one) and updates the projection in
   * the same transaction; refuses transitions that the state machine does not know, and a second running
   * install at a site. Own events also become `update-event` records in the same transaction.
   * @throws {UpdateError} ILLEGAL_TRANSITION, SEQUENCE_CONFLICT, INSTALL_RUNNING
   */
  append(event: UpdateEvent): UpdateProjection;
}

export interface RecordReads {
  get(owner: SiteCode, kind: RecordKind, key: string): ReplicatedRecord | undefined;
  list(filter: { readonly kind?: RecordKind; readonly owner?: SiteCode }): readonly ReplicatedRecord[];
  /** Records whose local arrival number is above `after`, of one kind or of all, in that order, at most `limit`. */
  after(
    after: number,
    limit: number,
    kind?: RecordKind,
  ): readonly { readonly arrival: number; readonly record: ReplicatedRecord }[];
  /** The highest arrival number given so far. */
  head(): number;
  /** What this site has applied from a peer: the peer's arrival number. */
  cursor(peer: SiteCode): number;
  /** This site's own epoch, from 1: its records carry it. */
  epoch(): number;
  /** How much is held of these owners together; sizes are of the bodies as stored. */
  usage(owners: readonly SiteCode[]): { readonly count: number; readonly sizeBytes: number };
}
export interface RecordWrites {
  /** Writes a record of this site's own: n rises by one, hash is made. No change for an equal body. */
  putOwn(kind: RecordKind, key: string, body: unknown, at: EpochMs): ReplicatedRecord;
  /**
   * Applies a peer's records and moves the cursor, in this transaction. Keeps the higher (epoch, n).
   * Equal versions with another hash are a fork. Answers those that changed something.
   * @throws {RecordError} FORK
   */
  apply(peer: SiteCode, records: readonly ReplicatedRecord[], cursor: number): readonly ReplicatedRecord[];
  setCursor(peer: SiteCode, cursor: number): void;
  /**
   * Begins a higher epoch of this site's own, after a restore; a lower or equal one changes nothing. All that the site
   * has written becomes part of it, and goes to everybody again: whatever a lost history says otherwise is replaced.
   *
   * @throws {StorageError} EPOCH_LIMIT above `epochMax`
   */
  raiseEpoch(to: number): void;
}
