import type { Order } from '@sallyport/core/domain/updates/order';
import type { PackageGuid, SiteCode } from '@sallyport/core/shared/ids';
import type { ActionResult } from '@sallyport/core/wire/api';

/** An answer to whoever asked for an action. */
export function result(
  kind: ActionResult['kind'],
  guid: PackageGuid | undefined,
  message: string,
  more: {
    readonly orders?: readonly Order[];
    readonly sites?: readonly SiteCode[];
    readonly notes?: readonly string[];
  } = {},
): ActionResult {
  return {
    kind,
    ...(guid === undefined ? {} : { guid }),
    message,
    orders: (more.orders ?? []).map(({ sequence, guid: ordered, attempt }) => ({
      sequence,
      guid: ordered,
      attempt,
    })),
    sites: [...(more.sites ?? [])],
    notes: [...(more.notes ?? [])],
  };
}
