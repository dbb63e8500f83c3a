import type { Kysely } from 'kysely';
import type { TargetingFacts } from '@sallyport/core/domain/exchange/exchange';
import type { EpochMs } from '@sallyport/core/shared/ids';
import type { FactsVerdict } from '../../../ports/cloud-database.ts';
import { floorOf, isAbove } from './floor-rows.ts';
import type { CloudTables } from './schema.ts';

/** Facts kept for each hierarchy: enough to see what changed, no pile that grows for ever. */
const factsKept = 100;

/** `CloudDatabase.acceptFacts`, within a writing transaction. */
export async function acceptWithin(
  database: Kysely<CloudTables>,
  facts: TargetingFacts,
  payload: { readonly bytes: Uint8Array; readonly sha256: string },
  at: EpochMs,
): Promise<FactsVerdict> {
  const newest = await newestFacts(database, facts.hierarchyId);
  const same = await database
    .selectFrom('accepted_facts')
    .select(['payload_sha256', 'accepted_at'])
    .where('hierarchy_id', '=', facts.hierarchyId)
    .where('epoch', '=', facts.epoch)
    .where('sequence', '=', facts.sequence)
    .executeTakeFirst();
  if (same !== undefined) {
    return same.payload_sha256 === payload.sha256
      ? { kind: 'repeated', newest: newest?.payload_sha256 === payload.sha256, acceptedAt: same.accepted_at }
      : { kind: 'conflict' };
  }
  if (newest !== undefined && !isAbove(facts, newest)) {
    return { kind: 'older', newest: { epoch: newest.epoch, sequence: newest.sequence } };
  }
  const floor = await floorOf(database, facts.hierarchyId, 'facts');
  if (floor !== undefined && !isAbove(facts, floor)) return { kind: 'older', newest: floor };
  await database
    .insertInto('accepted_facts')
    .values({
      hierarchy_id: facts.hierarchyId,
      epoch: facts.epoch,
      sequence: facts.sequence,
      payload_sha256: payload.sha256,
      payload: payload.bytes,
      accepted_at: at,
    })
    .execute();
  await dropOldFacts(database, facts.hierarchyId);
  return { kind: 'accepted', acceptedAt: at };
}

/** The newest facts of a hierarchy, or undefined. */
export function newestFacts(database: Kysely<CloudTables>, id: string) {
  return database
    .selectFrom('accepted_facts')
    .select(['epoch', 'sequence', 'payload', 'payload_sha256', 'accepted_at'])
    .where('hierarchy_id', '=', id)
    .orderBy('epoch', 'desc')
    .orderBy('sequence', 'desc')
    .limit(1)
    .executeTakeFirst();
}

async function dropOldFacts(database: Kysely<CloudTables>, id: string): Promise<void> {
  const oldest = await database
    .selectFrom('accepted_facts')
    .select(['epoch', 'sequence'])
    .where('hierarchy_id', '=', id)
    .orderBy('epoch', 'desc')
    .orderBy('sequence', 'desc')
    .offset(factsKept)
    .limit(1)
    .executeTakeFirst();
  if (oldest === undefined) {
    return;
  }
  await database
    .deleteFrom('accepted_facts')
    .where('hierarchy_id', '=', id)
    .where((where) =>
      where.or([
        where('epoch', '<', oldest.epoch),
        where.and([where('epoch', '=', oldest.epoch), where('sequence', '<=', oldest.sequence)]),
      ]),
    )
    .execute();
}
