import type { RecordKind } from '@sallyport/core/domain/sites/site';
import type { UpdateEvent } from '@sallyport/core/domain/updates/event';
import type { EpochMs, SiteCode } from '@sallyport/core/shared/ids';
import type { RecordStatistic, StatisticReads } from '../../ports/site-database.ts';
import type { Connection, Row } from './connection.ts';
import { eventColumns, eventOf } from './updates.ts';

/** Counts what a site's database holds. */
export class StatisticTables implements StatisticReads {
  readonly #connection: Connection;
  readonly #site: SiteCode;

  constructor(connection: Connection, site: SiteCode) {
    this.#connection = connection;
    this.#site = site;
  }

  size(): { readonly fileBytes: number; readonly freeBytes: number; readonly walBytes: number } {
    const pageBytes = this.#pragma('page_size');
    return {
      fileBytes: this.#pragma('page_count') * pageBytes,
      freeBytes: this.#pragma('freelist_count') * pageBytes,
      walBytes: this.#connection.logBytes(),
    };
  }

  schemaStep(): number {
    return Number(this.#connection.get('SELECT max(number) AS step FROM migration')?.['step'] ?? 0);
  }

  tables(rowsMax: number): readonly { readonly table: string; readonly rows: number }[] {
    return this.#connection
      .all(
        `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name`,
      )
      .map(({ name }) => {
        const table = String(name);
        // A name of the schema's own, so it may stand in the text.
        const counted = this.#connection.get(
          `SELECT count(*) AS rows FROM (SELECT 1 FROM "${table}" LIMIT ?)`,
          rowsMax,
        );
        return { table, rows: Number(counted?.['rows']) };
      });
  }

  recordKinds(recordsMax: number): readonly RecordStatistic[] {
    return this.#kinds().flatMap((kind) =>
      // octet_length does not load a body that lies on pages of its own.
      this.#connection
        .all(
          `SELECT own, count(*) AS count, sum(bytes) AS bytes, max(bytes) AS largest
             FROM (SELECT owner = ? AS own, octet_length(body) AS bytes FROM record WHERE kind = ? LIMIT ?)
            GROUP BY own ORDER BY own DESC`,
          this.#site,
          kind,
          recordsMax,
        )
        .map((row) => ({
          kind,
          own: row['own'] === 1,
          count: Number(row['count']),
          bytes: Number(row['bytes']),
          largestBytes: Number(row['largest']),
        })),
    );
  }

  settings(): { readonly count: number; readonly bytes: number } {
    const row = this.#connection.get(
      'SELECT count(*) AS count, coalesce(sum(octet_length(value)), 0) AS bytes FROM setting',
    );
    return { count: Number(row?.['count']), bytes: Number(row?.['bytes']) };
  }

  eventsSince(site: SiteCode, since: EpochMs, eventsMax: number): readonly UpdateEvent[] {
    return this.#connection
      .all(
        `SELECT ${ofEvents} FROM update_projection p CROSS JOIN update_event e ON e.guid = p.guid AND e.site = p.site
          WHERE p.site = ? AND e.at >= ? ORDER BY e.at DESC, e.id DESC LIMIT ?`,
        site,
        since,
        eventsMax,
      )
      .map(eventOf)
      .toReversed();
  }

  firstEventAt(site: SiteCode): EpochMs | undefined {
    const first = this.#connection.get(
      `SELECT min(e.at) AS at FROM update_projection p CROSS JOIN update_event e ON e.guid = p.guid AND e.site = p.site
        WHERE p.site = ?`,
      site,
    )?.['at'];
    return typeof first === 'number' ? first : undefined;
  }

  /** From one kind to the next along the index: nothing between is looked at. */
  #kinds(): readonly RecordKind[] {
    const kinds: RecordKind[] = [];
    let next = this.#nextKind('');
    while (next !== undefined) {
      kinds.push(next);
      next = this.#nextKind(next);
    }
    return kinds;
  }

  #nextKind(after: string): RecordKind | undefined {
    const row: Row | undefined = this.#connection.get(
      'SELECT kind FROM record WHERE kind > ? ORDER BY kind LIMIT 1',
      after,
    );
    return row?.['kind'] as RecordKind | undefined;
  }

  #pragma(name: 'freelist_count' | 'page_count' | 'page_size'): number {
    return Number(this.#connection.get(`PRAGMA ${name}`)?.[name]);
  }
}

/** Events of a site are found through its projections (CROSS: in that order): the log has no index by site. */
const ofEvents = eventColumns
  .split(', ')
  .map((column) => `e.${column}`)
  .join(', ');
