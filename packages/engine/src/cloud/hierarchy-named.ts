import type { HierarchyId } from '@sallyport/core/shared/ids';
import { CloudError } from '../ports/cloud-error.ts';
import type { HierarchyUsage, UsageLedger } from '../ports/usage-ledger.ts';

/** Ids of which an answer names no more when several fit. */
const shownMax = 5;

/** A hierarchy by its id or by the beginning of it. @throws {CloudError} UNKNOWN_HIERARCHY, BAD_REQUEST when several fit */
export async function hierarchyNamed(
  ledger: Pick<UsageLedger, 'hierarchies'>,
  named: string,
): Promise<HierarchyUsage> {
  const prefix = named.trim().toLowerCase();
  const found = prefix === '' ? [] : await ledger.hierarchies(prefix);
  const [only, second] = found;
  if (only === undefined) {
    throw new CloudError(
      'UNKNOWN_HIERARCHY',
      `no hierarchy that is enrolled here has an id that begins with "${named}": "sallyport cloud usage hierarchies" lists them`,
      { hierarchy: named },
    );
  }
  if (second !== undefined) {
    throw new CloudError(
      'BAD_REQUEST',
      `${found.length} hierarchies begin with "${named}": give more of its id: ${shown(found.map(({ id }) => id))}`,
      { hierarchy: named },
    );
  }
  return only;
}

function shown(ids: readonly HierarchyId[]): string {
  return [
    ...ids.slice(0, shownMax).map((id) => `${id.slice(0, 16)}…`),
    ...(ids.length > shownMax ? ['…'] : []),
  ].join(', ');
}
