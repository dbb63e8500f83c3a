import type { RecordKind } from '@sallyport/core/domain/sites/site';
import type { SiteCode } from '@sallyport/core/shared/ids';
import type { Change } from '../../ports/site-database.ts';

/** What somebody's work is made from: only news of it are worth another look. */
export interface Concern {
  /** Sites whose updates matter. */
  readonly updates?: readonly SiteCode[];
  readonly records?: readonly RecordKind[];
  /** Names of settings. */
  readonly settings?: readonly string[];
}

/** Whether a commit has changed something of it. */
export function concerns(change: Change, { updates = [], records = [], settings = [] }: Concern): boolean {
  return (
    updates.some((site) => change.updates.has(site)) ||
    records.some((kind) => change.records.has(kind)) ||
    settings.some((name) => change.settings.has(name))
  );
}
