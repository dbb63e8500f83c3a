import type { Kysely } from 'kysely';
import type { HierarchyId } from '@sallyport/core/shared/ids';
import type { Enrolment, EnrolmentVerdict, Statement } from '../../../ports/cloud-database.ts';
import type { CloudTables } from './schema.ts';

/** `CloudDatabase.enrol`, within a writing transaction. */
export async function enrolWithin(
  database: Kysely<CloudTables>,
  enrolment: Enrolment,
): Promise<EnrolmentVerdict> {
  const code = await database
    .selectFrom('enrolment_code')
    .select(['expires_at', 'used_by'])
    .where('sha256', '=', enrolment.codeSha256)
    .executeTakeFirst();
  if (code === undefined) {
    return 'code-unknown';
  }
  if (code.used_by !== null && code.used_by !== enrolment.hierarchyId) {
    return 'code-used';
  }
  if (code.used_by === null && code.expires_at !== null && code.expires_at <= enrolment.at) {
    return 'code-expired';
  }
  const known = await statementOf(database, enrolment.hierarchyId);
  if (known !== undefined && !isNewerOrSame(known, enrolment)) {
    return 'statement-old';
  }
  await database
    .insertInto('hierarchy')
    .values({ id: enrolment.hierarchyId, ...statementRow(enrolment), enrolled_at: enrolment.at })
    .onConflict((conflict) => conflict.column('id').doUpdateSet(statementRow(enrolment)))
    .execute();
  await database
    .updateTable('enrolment_code')
    .set({ used_by: enrolment.hierarchyId, used_at: enrolment.at })
    .where('sha256', '=', enrolment.codeSha256)
    .where('used_by', 'is', null)
    .execute();
  return 'enrolled';
}

export interface KnownStatement {
  readonly statement_sequence: number;
  readonly operating_key: string;
}

/** The statement that is in force. */
export async function statementOf(
  database: Kysely<CloudTables>,
  id: HierarchyId,
): Promise<KnownStatement | undefined> {
  return database
    .selectFrom('hierarchy')
    .select(['statement_sequence', 'operating_key'])
    .where('id', '=', id)
    .executeTakeFirst();
}

export function statementRow({ operatingKey, statement, statementSequence }: Statement) {
  return { operating_key: operatingKey, statement, statement_sequence: statementSequence };
}

/** A repeat is as good as the first. */
export function isNewerOrSame(known: KnownStatement, statement: Statement): boolean {
  return (
    statement.statementSequence > known.statement_sequence ||
    (statement.statementSequence === known.statement_sequence &&
      statement.operatingKey === known.operating_key)
  );
}
