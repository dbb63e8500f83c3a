import { entryOf } from '@sallyport/core/domain/sites/roster';
import type { SiteCode } from '@sallyport/core/shared/ids';
import { packageOf, type TrustedPackage, type TrustedView } from '../hierarchy-manager/trusted-view.ts';
import { OperationError } from './operation-error.ts';
import type { OrderBooks } from './order-books.ts';
import { secondaryPlan } from './secondary-plan.ts';
import type { OperationsPorts } from './site-ports.ts';
import { factsOf } from './site-view.ts';

/**
 * What a secondary site lacks of what its parent runs, in the order in which it goes on.
 *
 * @throws {OperationError} NOT_FOUND, NOT_ALLOWED
 */
export function planSecondary(
  ports: OperationsPorts,
  books: OrderBooks,
  code: SiteCode,
  view: TrustedView,
): { readonly plan: readonly TrustedPackage[]; readonly parent: SiteCode } {
  const entry = entryOf(ports.hierarchy.current().roster, code);
  if (entry === undefined || entry.revoked !== undefined) {
    throw new OperationError(
      'NOT_FOUND',
      `there is no site ${code} in the hierarchy${entry === undefined ? '' : ': it was revoked'}`,
      { site: code },
    );
  }
  if (entry.type !== 'secondary' || entry.parent === undefined) {
    throw new OperationError(
      'NOT_ALLOWED',
      `${code} is a ${entry.type} site and follows by itself: only secondary sites are upgraded on request`,
      { site: code },
    );
  }
  const { parent } = entry;
  const { own, above } = ports.database.read((tables) => ({
    own: factsOf(tables, code),
    above: factsOf(tables, parent),
  }));
  if (own === undefined || above === undefined) {
    const silent = own === undefined ? code : parent;
    throw new OperationError(
      'NOT_ALLOWED',
      `site ${silent} has not reported yet what it runs: see that it is up and linked`,
      { site: silent },
    );
  }
  const busy = books.open().packageInHand(entry);
  if (busy !== undefined) {
    throw new OperationError(
      'NOT_ALLOWED',
      `site ${code} is at work on package ${busy} already: see its status`,
      { site: code, guid: busy },
    );
  }
  const plan = above.products.flatMap((product) => {
    const descriptors = view.products.get(product.product)?.descriptors;
    const held = own.products.find((candidate) => candidate.product === product.product);
    if (held === undefined || descriptors === undefined) return [];
    return secondaryPlan(product, held, descriptors).flatMap(({ guid }) => packageOf(view, guid) ?? []);
  });
  return { plan, parent };
}
