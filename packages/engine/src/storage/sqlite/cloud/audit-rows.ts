import type { Kysely } from 'kysely';
import type { EpochMs } from '@sallyport/core/shared/ids';
import type { AuditAct } from '../../../ports/usage-ledger.ts';
import type { CloudTables } from './schema.ts';

/** Writes down what was decided, in the transaction that does it. */
export async function audit(
  database: Kysely<CloudTables>,
  entry: {
    readonly at: EpochMs;
    readonly who: string;
    readonly act: AuditAct;
    readonly hierarchyId?: string;
    readonly package?: string;
    readonly details: Readonly<Record<string, unknown>>;
  },
): Promise<void> {
  await database
    .insertInto('cloud_audit')
    .values({
      at: entry.at,
      who: entry.who,
      act: entry.act,
      hierarchy_id: entry.hierarchyId ?? null,
      package: entry.package ?? null,
      details: JSON.stringify(entry.details),
    })
    .execute();
}
