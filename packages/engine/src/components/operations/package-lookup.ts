import { packageGuid, type PackageGuid } from '@sallyport/core/shared/ids';
import { packagesOf, type TrustedPackage, type TrustedView } from '../hierarchy-manager/trusted-view.ts';
import { OperationError } from './operation-error.ts';

const guidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/**
 * The package that an administrator means: by GUID, by version, or by `product@version`.
 *
 * @throws {OperationError} NOT_FOUND, AMBIGUOUS
 */
export function findPackage(view: TrustedView, id: string): TrustedPackage {
  const all = packagesOf(view);
  const found = guidPattern.test(id) ? byGuid(all, packageGuid(id)) : byVersion(all, id);
  const [only, ...others] = found;
  if (only === undefined) {
    const because =
      view.problem === undefined
        ? 'list all packages with "sallyport update list --all", or check for updates'
        : view.problem.message;
    throw new OperationError(
      'NOT_FOUND',
      `no package "${id}" is in the vendor's catalogue as it is trusted here: ${because}`,
      { id },
    );
  }
  if (others.length > 0) {
    const guids = found
      .map(({ product, entry }) => `${entry.guid} (${product.product}@${entry.version}, ${entry.kind})`)
      .join(', ');
    throw new OperationError(
      'AMBIGUOUS',
      `"${id}" may mean several packages: ${guids}; name one by its GUID`,
      { id, count: found.length },
    );
  }
  return only;
}

function byGuid(all: readonly TrustedPackage[], guid: PackageGuid): readonly TrustedPackage[] {
  return all.filter(({ entry }) => entry.guid === guid);
}

/** A baseline bears a version that an update of the same product may bear too; nobody installs it by name. */
function byVersion(all: readonly TrustedPackage[], id: string): readonly TrustedPackage[] {
  const at = id.lastIndexOf('@');
  const product = at > 0 ? id.slice(0, at) : undefined;
  const version = id.slice(at + 1);
  const found = all.filter(
    (candidate) =>
      candidate.entry.version === version && (product === undefined || candidate.product.product === product),
  );
  const updates = found.filter(({ entry }) => entry.kind !== 'baseline');
  return updates.length > 0 ? updates : found;
}
