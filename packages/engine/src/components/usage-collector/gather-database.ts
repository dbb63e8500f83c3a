import type { UsageFacts } from '@sallyport/core/domain/usage/facts';
import type { UsageLimits } from '@sallyport/core/domain/usage/limits';
import type { UsageSources } from './sources.ts';

type DatabaseFacts = Pick<UsageFacts, 'changes' | 'database' | 'records'>;

/** What the site database says of itself. `pause` lets others have their turn: counting rows takes a while. */
export async function gatherDatabase(
  { database }: Pick<UsageSources, 'database'>,
  limits: UsageLimits,
  pause: () => Promise<void>,
): Promise<DatabaseFacts> {
  const { size, schemaStep, changes } = database.read(({ statistics, records }) => ({
    size: statistics.size(),
    schemaStep: statistics.schemaStep(),
    changes: records.head(),
  }));
  await pause();
  const tables = database.read(({ statistics }) => statistics.tables(limits.rowsMax));
  await pause();
  const records = database.read(({ statistics }) => statistics.recordKinds(limits.recordsMax));
  return { database: { ...size, schemaStep, tables }, records, changes };
}
