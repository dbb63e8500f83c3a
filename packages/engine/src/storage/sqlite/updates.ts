import { foldEvent, refold } from '@sallyport/core/domain/updates/state';
import type {
  UpdateEvent,
  UpdateEventName,
  UpdateProjection,
  UpdateState,
} from '@sallyport/core/domain/updates/event';
import { UpdateError } from '@sallyport/core/domain/updates/update-error';
import type { PackageGuid, SiteCode } from '@sallyport/core/shared/ids';
import type { UpdateReads } from '../../ports/site-database.ts';
import type { ChangeNotes } from './change-notes.ts';
import { type Connection, isUniqueViolation, type Row } from './connection.ts';

export const updateSchema = `
  CREATE TABLE update_event (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    guid TEXT NOT NULL CHECK (length(guid) = 36),
    site TEXT NOT NULL CHECK (length(site) = 3),
    sequence INTEGER NOT NULL CHECK (sequence >= 1),
    attempt INTEGER NOT NULL CHECK (attempt >= 0),
    event TEXT NOT NULL CHECK (length(event) > 0),
    at INTEGER NOT NULL,
    data TEXT NOT NULL CHECK (json_valid(data)),
    UNIQUE (guid, site, sequence)
  ) STRICT;
  CREATE TRIGGER update_event_never_changes BEFORE UPDATE ON update_event
  BEGIN SELECT RAISE(ABORT, 'update_event is append-only'); END;

  CREATE TABLE update_projection (
    guid TEXT NOT NULL,
    site TEXT NOT NULL,
    attempt INTEGER NOT NULL CHECK (attempt >= 0),
    sequence INTEGER NOT NULL CHECK (sequence >= 1),
    state TEXT NOT NULL CHECK (length(state) > 0),
    since INTEGER NOT NULL,
    reason TEXT NOT NULL CHECK (length(reason) > 0),
    next_at INTEGER,
    steps_done TEXT NOT NULL CHECK (json_type(steps_done) = 'array'),
    content_held INTEGER NOT NULL CHECK (content_held IN (0, 1)),
    data TEXT NOT NULL CHECK (json_valid(data)),
    PRIMARY KEY (guid, site),
    FOREIGN KEY (guid, site, sequence) REFERENCES update_event (guid, site, sequence) DEFERRABLE INITIALLY DEFERRED
  ) STRICT, WITHOUT ROWID;
  CREATE UNIQUE INDEX update_projection_one_install ON update_projection (site) WHERE state = 'INSTALL_IN_PROGRESS'`;

export const eventColumns = 'guid, site, sequence, attempt, event, at, data';
const projectionColumns =
  'guid, site, attempt, sequence, state, since, reason, next_at, steps_done, content_held, data';

/** The `update_event` log and its projection. The only way to change either is to append an event. */
export class UpdateTables implements UpdateReads {
  readonly #connection: Connection;
  readonly #notes: ChangeNotes;

  constructor(connection: Connection, notes: ChangeNotes) {
    this.#connection = connection;
    this.#notes = notes;
  }

  projection(guid: PackageGuid, site: SiteCode): UpdateProjection | undefined {
    const row = this.#connection.get(
      `SELECT ${projectionColumns} FROM update_projection WHERE guid = ? AND site = ?`,
      guid,
      site,
    );
    return row && projectionOf(row);
  }

  projections(
    filter: { readonly guid?: PackageGuid; readonly site?: SiteCode } = {},
  ): readonly UpdateProjection[] {
    const { where, values } = whereOf(filter);
    return this.#connection
      .all(`SELECT ${projectionColumns} FROM update_projection ${where} ORDER BY guid, site`, ...values)
      .map(projectionOf);
  }

  events(filter: { readonly guid?: PackageGuid; readonly site?: SiteCode }): readonly UpdateEvent[] {
    const { where, values } = whereOf(filter);
    return this.#connection
      .all(`SELECT ${eventColumns} FROM update_event ${where} ORDER BY id`, ...values)
      .map(eventOf);
  }

  /** Appends to the log and moves the projection. */
  append(event: UpdateEvent): UpdateProjection {
    this.#notes.update(event.site);
    const after = foldEvent(this.projection(event.guid, event.site), event);
    this.#putProjection(after);
    this.#connection.run(
      `INSERT INTO update_event (${eventColumns}) VALUES (?, ?, ?, ?, ?, ?, ?)`,
      event.guid,
      event.site,
      event.sequence,
      event.attempt,
      event.event,
      event.at,
      JSON.stringify(event.data),
    );
    return after;
  }

  /**
   * Takes back a site's events from `sequence` on: that site was restored, and its higher epoch tells another
   * history from there. Nothing else ever leaves the log.
   */
  truncate(guid: PackageGuid, site: SiteCode, sequence: number): void {
    this.#notes.update(site);
    this.#connection.run(
      'DELETE FROM update_event WHERE guid = ? AND site = ? AND sequence >= ?',
      guid,
      site,
      sequence,
    );
    const left = refold(this.events({ guid, site }));
    if (left === undefined) {
      this.#connection.run('DELETE FROM update_projection WHERE guid = ? AND site = ?', guid, site);
    } else {
      this.#putProjection(left);
    }
  }

  #putProjection(projection: UpdateProjection): void {
    const { guid, site, attempt, sequence, state, since, reason, nextAt, stepsDone, contentHeld, data } =
      projection;
    try {
      this.#connection.run(
        `INSERT INTO update_projection (${projectionColumns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (guid, site) DO UPDATE SET attempt = excluded.attempt, sequence = excluded.sequence,
           state = excluded.state, since = excluded.since, reason = excluded.reason, next_at = excluded.next_at,
           steps_done = excluded.steps_done, content_held = excluded.content_held, data = excluded.data`,
        guid,
        site,
        attempt,
        sequence,
        state,
        since,
        reason,
        nextAt ?? null,
        JSON.stringify(stepsDone),
        contentHeld ? 1 : 0,
        JSON.stringify(data),
      );
    } catch (cause) {
      if (isUniqueViolation(cause, 'update_projection.site')) {
        throw this.#installRunning(projection, cause);
      }
      throw cause;
    }
  }

  #installRunning({ guid, site }: UpdateProjection, cause: unknown): UpdateError {
    const running = this.#connection.get(
      `SELECT guid FROM update_projection WHERE site = ? AND state = 'INSTALL_IN_PROGRESS'`,
      site,
    );
    const other = running === undefined ? 'another package' : String(running['guid']);
    return new UpdateError(
      'INSTALL_RUNNING',
      `package ${guid} cannot be installed at site ${site} now: ${other} is being installed there; it goes on when that ends`,
      { guid, site, running: other },
      { cause },
    );
  }
}

function whereOf(filter: { readonly guid?: PackageGuid; readonly site?: SiteCode }): {
  readonly where: string;
  readonly values: readonly string[];
} {
  const { guid, site } = filter;
  const conditions = [
    ...(guid === undefined ? [] : ['guid = ?']),
    ...(site === undefined ? [] : ['site = ?']),
  ];
  return {
    where: conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`,
    values: [guid, site].filter((value) => value !== undefined),
  };
}

export function eventOf(row: Row): UpdateEvent {
  return {
    guid: String(row['guid']) as PackageGuid,
    site: String(row['site']) as SiteCode,
    attempt: Number(row['attempt']),
    sequence: Number(row['sequence']),
    event: String(row['event']) as UpdateEventName,
    at: Number(row['at']),
    data: JSON.parse(String(row['data'])) as UpdateEvent['data'],
  };
}

function projectionOf(row: Row): UpdateProjection {
  const nextAt = row['next_at'];
  return {
    guid: String(row['guid']) as PackageGuid,
    site: String(row['site']) as SiteCode,
    attempt: Number(row['attempt']),
    sequence: Number(row['sequence']),
    state: String(row['state']) as UpdateState,
    since: Number(row['since']),
    reason: String(row['reason']),
    ...(nextAt === null ? {} : { nextAt: Number(nextAt) }),
    stepsDone: JSON.parse(String(row['steps_done'])) as readonly string[],
    contentHeld: row['content_held'] === 1,
    data: JSON.parse(String(row['data'])) as UpdateProjection['data'],
  };
}
