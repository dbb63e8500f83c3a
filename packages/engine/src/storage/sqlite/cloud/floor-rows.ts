import type { Kysely } from 'kysely';
import type { CloudTables } from './schema.ts';

/** The number of a report or of facts: they are ordered by epoch, then sequence. */
export interface ReportNumber {
  readonly epoch: number;
  readonly sequence: number;
}

type FloorKind = CloudTables['usage_floor']['kind'];

export function isAbove(one: ReportNumber, other: ReportNumber): boolean {
  return one.epoch > other.epoch || (one.epoch === other.epoch && one.sequence > other.sequence);
}

/** Up to here a hierarchy's data were erased, by decision or by age; what is not above it never comes back. */
export async function floorOf(
  database: Kysely<CloudTables>,
  id: string,
  kind: FloorKind,
): Promise<ReportNumber | undefined> {
  const row = await database
    .selectFrom('usage_floor')
    .select(['epoch', 'sequence'])
    .where('hierarchy_id', '=', id)
    .where('kind', '=', kind)
    .executeTakeFirst();
  return row && { epoch: row.epoch, sequence: row.sequence };
}

/** Raises the floor; a lower one changes nothing. */
export async function raiseFloor(
  database: Kysely<CloudTables>,
  id: string,
  kind: FloorKind,
  to: ReportNumber,
): Promise<void> {
  const floor = await floorOf(database, id, kind);
  if (floor !== undefined && !isAbove(to, floor)) return;
  const { epoch, sequence } = to;
  await database
    .insertInto('usage_floor')
    .values({ hierarchy_id: id, kind, epoch, sequence })
    .onConflict((conflict) => conflict.columns(['hierarchy_id', 'kind']).doUpdateSet({ epoch, sequence }))
    .execute();
}
