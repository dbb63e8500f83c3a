import { setTimeout } from 'node:timers/promises';
import { Kysely, sql } from 'kysely';
import type { TargetingFacts } from '@sallyport/core/domain/exchange/exchange';
import type { UsageReport } from '@sallyport/core/domain/usage/report';
import { type EpochMs, hierarchyId, type HierarchyId } from '@sallyport/core/shared/ids';
import type {
  CloudDatabase,
  Enrolment,
  EnrolmentCode,
  EnrolmentCodeState,
  EnrolmentVerdict,
  FactsVerdict,
  Hierarchy,
  HierarchySummary,
  Statement,
} from '../../../ports/cloud-database.ts';
import { CloudError } from '../../../ports/cloud-error.ts';
import type { Quarantine, ReportPayload, ReportVerdict } from '../../../ports/usage-intake.ts';
import type { UsageLedger } from '../../../ports/usage-ledger.ts';
import { enrolWithin, isNewerOrSame, statementOf, statementRow } from './enrolment-rows.ts';
import { acceptWithin, newestFacts } from './facts-rows.ts';
import { migrate } from './migrations.ts';
import { SqliteUsageLedger } from './usage-ledger.ts';
import { acceptReportWithin, quarantineWithin } from './report-rows.ts';
import { nodeSqliteDialect } from './node-sqlite.ts';
import type { CloudTables } from './schema.ts';
import { diskProblemOf } from '../disk-problem.ts';
import { errorCodeOf, sqliteBusy } from './sqlite-errors.ts';

const retryMs = 10;
const busyMaxMs = 20_000;

/** The cloud database in one SQLite file. Several processes may have it open. What the disk refuses is UNWRITABLE. */
export class SqliteCloudDatabase implements CloudDatabase {
  readonly #database: Kysely<CloudTables>;
  readonly #path: string;
  /** What the vendor learns from usage data, and decides. */
  readonly usage: UsageLedger;

  private constructor(database: Kysely<CloudTables>, path: string) {
    this.#database = database;
    this.#path = path;
    this.usage = new SqliteUsageLedger(database, (work) => this.#writing(work));
  }

  /** Opens the file, makes it when it is not there, and brings its tables to their newest form. @throws {CloudError} BROKEN_DATABASE, UNWRITABLE */
  static async open(path: string): Promise<SqliteCloudDatabase> {
    const opened = new SqliteCloudDatabase(new Kysely<CloudTables>({ dialect: dialectFor(path) }), path);
    try {
      await opened.#writing(migrate);
    } catch (error) {
      await opened.close();
      throw error;
    }
    return opened;
  }

  async addCodes(codes: readonly EnrolmentCode[]): Promise<void> {
    const rows = codes.map((code) => ({
      sha256: code.sha256,
      created_at: code.createdAt,
      expires_at: code.expiresAt ?? null,
      used_by: null,
      used_at: null,
    }));
    if (rows.length > 0) {
      await this.#writing((database) => database.insertInto('enrolment_code').values(rows).execute());
    }
  }

  async codes(): Promise<readonly EnrolmentCodeState[]> {
    const rows = await this.#database
      .selectFrom('enrolment_code')
      .select(['sha256', 'created_at', 'expires_at', 'used_by'])
      .orderBy('created_at')
      .orderBy('sha256')
      .execute();
    return rows.map((row) => ({
      sha256: row.sha256,
      createdAt: row.created_at,
      ...(row.expires_at === null ? {} : { expiresAt: row.expires_at }),
      ...(row.used_by === null ? {} : { usedBy: hierarchyId(row.used_by) }),
    }));
  }

  async enrol(enrolment: Enrolment): Promise<EnrolmentVerdict> {
    return this.#writing((database) => enrolWithin(database, enrolment));
  }

  async renewStatement(statement: Statement): Promise<'accepted' | 'not-enrolled' | 'older'> {
    return this.#writing(async (database) => {
      const known = await statementOf(database, statement.hierarchyId);
      if (known === undefined) {
        return 'not-enrolled';
      }
      if (!isNewerOrSame(known, statement)) {
        return 'older';
      }
      await database
        .updateTable('hierarchy')
        .set(statementRow(statement))
        .where('id', '=', statement.hierarchyId)
        .execute();
      return 'accepted';
    });
  }

  async hierarchy(id: HierarchyId): Promise<Hierarchy | undefined> {
    const row = await this.#database
      .selectFrom('hierarchy')
      .select(['id', 'operating_key', 'statement_sequence', 'enrolled_at'])
      .where('id', '=', id)
      .executeTakeFirst();
    return row === undefined ? undefined : hierarchyOf(row);
  }

  async hierarchies(): Promise<readonly HierarchySummary[]> {
    const rows = await this.#database
      .selectFrom('hierarchy')
      .select(['id', 'operating_key', 'statement_sequence', 'enrolled_at', 'offer_sequence'])
      .orderBy('enrolled_at')
      .orderBy('id')
      .execute();
    return Promise.all(
      rows.map(async (row) => {
        const facts = await newestFacts(this.#database, row.id);
        return {
          ...hierarchyOf(row),
          offerSequence: row.offer_sequence,
          ...(facts === undefined
            ? {}
            : {
                facts: {
                  epoch: facts.epoch,
                  sequence: facts.sequence,
                  acceptedAt: facts.accepted_at,
                  payload: facts.payload,
                },
              }),
        };
      }),
    );
  }

  async acceptFacts(
    facts: TargetingFacts,
    payload: { readonly bytes: Uint8Array; readonly sha256: string },
    at: EpochMs,
  ): Promise<FactsVerdict> {
    return this.#writing((database) => acceptWithin(database, facts, payload, at));
  }

  async acceptReport(report: UsageReport, payload: ReportPayload, at: EpochMs): Promise<ReportVerdict> {
    return this.#writing((database) => acceptReportWithin(database, report, payload, at));
  }

  async quarantineOf(id: HierarchyId): Promise<Quarantine | undefined> {
    return quarantineWithin(this.#database, id);
  }

  async nextOfferSequence(id: HierarchyId): Promise<number> {
    return this.#writing(async (database) => {
      const row = await database
        .updateTable('hierarchy')
        .set((expression) => ({ offer_sequence: expression('offer_sequence', '+', 1) }))
        .where('id', '=', id)
        .returning('offer_sequence')
        .executeTakeFirstOrThrow();
      return row.offer_sequence;
    });
  }

  async close(): Promise<void> {
    await this.#database.destroy();
  }

  #explained(error: unknown): unknown {
    const problem = diskProblemOf(error);
    return problem === undefined
      ? error
      : new CloudError(
          'UNWRITABLE',
          `the cloud database ${this.#path} cannot be written: ${problem}, and try again`,
          { place: this.#path },
          { cause: error },
        );
  }

  /** A transaction that takes the write lock at once, so that what it reads cannot change before it writes. */
  async #writing<T>(work: (database: Kysely<CloudTables>) => Promise<T>): Promise<T> {
    return this.#database
      .connection()
      .execute(async (connection) => {
        await beginWriting(connection);
        try {
          const result = await work(connection);
          await sql`commit`.execute(connection);
          return result;
        } catch (error) {
          // A full disk may have rolled it back already; what went wrong before matters.
          await sql`rollback`.execute(connection).catch(() => undefined);
          throw error;
        }
      })
      .catch((error: unknown) => {
        throw this.#explained(error);
      });
  }
}

/** Waits for another writer without stopping the process, which may be the one that the writer runs in. */
async function beginWriting(connection: Kysely<CloudTables>): Promise<void> {
  for (let waitedMs = 0; ; waitedMs += retryMs) {
    try {
      await sql`begin immediate`.execute(connection);
      return;
    } catch (error) {
      if (errorCodeOf(error) !== sqliteBusy || waitedMs >= busyMaxMs) {
        throw error;
      }
    }
    await setTimeout(retryMs);
  }
}

function dialectFor(path: string): ReturnType<typeof nodeSqliteDialect> {
  try {
    return nodeSqliteDialect(path);
  } catch (cause) {
    const problem = diskProblemOf(cause);
    if (problem !== undefined) {
      throw new CloudError(
        'UNWRITABLE',
        `the cloud database ${path} cannot be opened: ${problem}, and try again`,
        { place: path },
        { cause },
      );
    }
    throw new CloudError(
      'BROKEN_DATABASE',
      `the cloud database ${path} cannot be opened: check the file and its permissions, or restore it from a copy`,
      { place: path },
      { cause },
    );
  }
}

function hierarchyOf(row: {
  readonly id: string;
  readonly operating_key: string;
  readonly statement_sequence: number;
  readonly enrolled_at: number;
}): Hierarchy {
  return {
    id: hierarchyId(row.id),
    operatingKey: row.operating_key,
    statementSequence: row.statement_sequence,
    enrolledAt: row.enrolled_at,
  };
}
