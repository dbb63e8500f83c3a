import type { SelectionResult } from '@sallyport/core/domain/updates/selection-reason';
import type { EpochMs, PackageGuid, ProductId } from '@sallyport/core/shared/ids';
import type { SettingReads } from '../../ports/site-database.ts';
import type { TrustProblem } from './trusted-view.ts';

/** The setting `selection`: what the last selection found, with every reason, for `why`. */
export interface SelectionSetting {
  readonly schema: 1;
  /** When these results first held. */
  readonly at: EpochMs;
  readonly products: readonly ProductSelection[];
}

export interface ProductSelection {
  readonly product: ProductId;
  /** The catalogue cannot be believed at present: nothing new is available, whatever the other parts say. */
  readonly problem?: TrustProblem;
  readonly results: readonly SelectionResult[];
}

export const selectionSettingName = 'selection';

export function readSelection(settings: SettingReads): SelectionSetting | undefined {
  return settings.get(selectionSettingName) as SelectionSetting | undefined;
}

export function resultOf(
  setting: SelectionSetting | undefined,
  guid: PackageGuid,
): SelectionResult | undefined {
  return setting?.products.flatMap(({ results }) => results).find((result) => result.guid === guid);
}
