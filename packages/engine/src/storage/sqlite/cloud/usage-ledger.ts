import { type Kysely, sql } from 'kysely';
import { type EpochMs, type HierarchyId, packageGuid, type PackageGuid } from '@sallyport/core/shared/ids';
import type {
  AuditEntry,
  Decision,
  Erasure,
  InstallOutcome,
  Purge,
  StopLimit,
  UsageLedger,
} from '../../../ports/usage-ledger.ts';
import { audit } from './audit-rows.ts';
import { hierarchyUsages } from './hierarchy-usage.ts';
import type { CloudTables } from './schema.ts';
import { countOf, eraseWithin, purgeWithin } from './usage-erasure.ts';
import {
  errorRates,
  installOutcome,
  levelCounts,
  problemClusters,
  stateCounts,
  storedReports,
  versionCounts,
} from './usage-queries.ts';

type Database = Kysely<CloudTables>;

/** A year: what the vendor promises when nothing else was decided. */
const retentionDaysDefault = 365;
const retentionSetting = 'usage-retention-days';

/** The ledger on the tables of the cloud's database. */
export class SqliteUsageLedger implements UsageLedger {
  readonly #database: Database;
  readonly #writing: <T>(work: (database: Database) => Promise<T>) => Promise<T>;

  /** @param writing runs work in a writing transaction */
  constructor(database: Database, writing: <T>(work: (database: Database) => Promise<T>) => Promise<T>) {
    this.#database = database;
    this.#writing = writing;
  }

  hierarchies(prefix = '') {
    return hierarchyUsages(this.#database, prefix);
  }

  versions() {
    return versionCounts(this.#database);
  }

  levels() {
    return levelCounts(this.#database);
  }

  states() {
    return stateCounts(this.#database);
  }

  errorRates() {
    return errorRates(this.#database);
  }

  problems() {
    return problemClusters(this.#database);
  }

  reports(id: HierarchyId) {
    return storedReports(this.#database, id);
  }

  installOutcome(guid: PackageGuid) {
    return installOutcome(this.#database, guid);
  }

  async release(id: HierarchyId, by: Decision): Promise<boolean> {
    return this.#writing(async (database) => {
      const held = await database
        .deleteFrom('usage_quarantine')
        .where('hierarchy_id', '=', id)
        .returning(['since', 'sign', 'epoch', 'sequence'])
        .executeTakeFirst();
      if (held === undefined) return false;
      await audit(database, { ...by, act: 'released', hierarchyId: id, details: held });
      return true;
    });
  }

  async erase(id: HierarchyId, by: Decision & { readonly enrolment: boolean }): Promise<Erasure> {
    const removed = await this.#writing((database) => eraseWithin(database, id, by));
    // What was overwritten still stands in the log until it is carried over and cut.
    const { rows } = await sql<{
      readonly busy: number;
    }>`pragma wal_checkpoint(truncate)`.execute(this.#database);
    return {
      removed,
      left: await countOf(this.#database, id, by.enrolment),
      overwritten: rows[0]?.busy === 0,
    };
  }

  async retentionDays(): Promise<number> {
    const row = await this.#database
      .selectFrom('cloud_setting')
      .select('value')
      .where('name', '=', retentionSetting)
      .executeTakeFirst();
    return row === undefined ? retentionDaysDefault : Number(row.value);
  }

  async setRetentionDays(days: number, by: Decision): Promise<void> {
    await this.#writing(async (database) => {
      const value = String(days);
      await database
        .insertInto('cloud_setting')
        .values({ name: retentionSetting, value })
        .onConflict((conflict) => conflict.column('name').doUpdateSet({ value }))
        .execute();
      await audit(database, { ...by, act: 'retention-set', details: { days } });
    });
  }

  purge(before: EpochMs, by: Decision): Promise<Purge> {
    return this.#writing((database) => purgeWithin(database, before, by));
  }

  async stopLimits(): Promise<readonly StopLimit[]> {
    const rows = await this.#database
      .selectFrom('stop_limit')
      .select(['package', 'percent', 'of_at_least', 'set_at', 'tripped_at'])
      .orderBy('package')
      .execute();
    return rows.map((row) => ({
      guid: packageGuid(row.package),
      percent: row.percent,
      ofAtLeast: row.of_at_least,
      setAt: row.set_at,
      ...(row.tripped_at === null ? {} : { trippedAt: row.tripped_at }),
    }));
  }

  async setStopLimit(
    { guid, percent, ofAtLeast }: Pick<StopLimit, 'guid' | 'ofAtLeast' | 'percent'>,
    by: Decision,
  ): Promise<void> {
    const limit = { percent, of_at_least: ofAtLeast, set_at: by.at, tripped_at: null };
    await this.#writing(async (database) => {
      await database
        .insertInto('stop_limit')
        .values({ package: guid, ...limit })
        .onConflict((conflict) => conflict.column('package').doUpdateSet(limit))
        .execute();
      await audit(database, { ...by, act: 'stop-limit-set', package: guid, details: { percent, ofAtLeast } });
    });
  }

  async removeStopLimit(guid: PackageGuid, by: Decision): Promise<boolean> {
    return this.#writing(async (database) => {
      const gone = await database
        .deleteFrom('stop_limit')
        .where('package', '=', guid)
        .returning(['percent', 'of_at_least'])
        .executeTakeFirst();
      if (gone === undefined) return false;
      await audit(database, { ...by, act: 'stop-limit-removed', package: guid, details: gone });
      return true;
    });
  }

  async tripStopLimit(guid: PackageGuid, { attempted, failed }: InstallOutcome, by: Decision): Promise<void> {
    await this.#writing(async (database) => {
      await database
        .updateTable('stop_limit')
        .set({ tripped_at: by.at })
        .where('package', '=', guid)
        .execute();
      await audit(database, { ...by, act: 'stopped', package: guid, details: { attempted, failed } });
    });
  }

  async audit(limit: number): Promise<readonly AuditEntry[]> {
    const rows = await this.#database
      .selectFrom('cloud_audit')
      .select(['at', 'who', 'act', 'hierarchy_id', 'package', 'details'])
      .orderBy('id', 'desc')
      .limit(limit)
      .execute();
    return rows.map(({ at, who, act, hierarchy_id, package: named, details }) => ({
      at,
      who,
      act,
      details,
      ...(hierarchy_id === null ? {} : { hierarchyId: hierarchy_id }),
      ...(named === null ? {} : { package: named }),
    }));
  }
}
