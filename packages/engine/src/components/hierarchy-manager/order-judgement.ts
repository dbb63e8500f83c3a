import type { Order } from '@sallyport/core/domain/updates/order';
import type { UpdateProjection } from '@sallyport/core/domain/updates/event';
import { allowedEvents, canCancel, switchMayHaveBegun } from '@sallyport/core/domain/updates/state';
import { compareVersions, tryParseVersion } from '@sallyport/core/shared/version';
import type { CurrentRelease } from '../../ports/releases.ts';
import type { OrderRefusal } from './order-setting.ts';
import { isUnderWay } from './package-states.ts';
import type { SiteIdentity } from './site-identity.ts';
import { packageOf, type TrustedView } from './trusted-view.ts';

/** Whether a site is among those that an order is for. */
export function isAddressed(order: Order, site: SiteIdentity): boolean {
  return order.sites === 'primaries' ? site.type !== 'secondary' : order.sites.includes(site.code);
}

/** What a site's own trusted catalogue says of the package that an order names. */
export type PackageJudgement =
  | { readonly kind: 'known' }
  | { readonly kind: 'refuse'; readonly code: OrderRefusal; readonly reason: string }
  /** Nothing newer would tell: only fetching metadata can. */
  | { readonly kind: 'look-again'; readonly code: OrderRefusal; readonly reason: string };

/** A site acts only upon what the vendor's offline keys vouch for: an order cannot name anything else. */
export function judgePackage(order: Order, view: TrustedView): PackageJudgement {
  if (view.problem !== undefined)
    return { kind: 'look-again', code: 'NOT_READY', reason: view.problem.message };
  const known = packageOf(view, order.guid);
  if (known === undefined || known.product.product !== order.product) {
    return {
      kind: 'look-again',
      code: 'UNKNOWN_PACKAGE',
      reason: `this site's trusted catalogue of ${order.product} does not name package ${order.guid}`,
    };
  }
  const { problem } = known.product;
  if (problem !== undefined) return { kind: 'look-again', code: 'NOT_READY', reason: problem.message };
  if (known.entry.descriptor.sha256 !== order.descriptor.sha256) {
    return {
      kind: 'look-again',
      code: 'OTHER_DESCRIPTOR',
      reason: `the order names the descriptor ${order.descriptor.sha256}, and this site's trusted catalogue ${known.entry.descriptor.sha256}`,
    };
  }
  if (known.descriptor === undefined) {
    return {
      kind: 'look-again',
      code: 'NOT_READY',
      reason: `the descriptor of package ${order.guid} is not here yet`,
    };
  }
  if (known.entry.withdrawn !== undefined) {
    return {
      kind: 'refuse',
      code: 'WITHDRAWN',
      reason: `the vendor withdrew package ${order.guid}: ${known.entry.withdrawn.reason}`,
    };
  }
  return { kind: 'known' };
}

/** What a cancel means for the state this site is in. */
export type CancelJudgement =
  | { readonly kind: 'cancel' }
  /** An attempt that failed is taken back. */
  | { readonly kind: 'reset' }
  | { readonly kind: 'nothing'; readonly reason: string };

/** What an order to check or install means for the state this site is in. */
export type WorkJudgement =
  | { readonly kind: 'order' }
  | { readonly kind: 'nothing'; readonly reason: string }
  | { readonly kind: 'defer'; readonly reason: string }
  | { readonly kind: 'refuse'; readonly code: OrderRefusal; readonly reason: string };

/** An install under way sees that it was cancelled, and takes back what it has done. */
export function judgeCancel(own: UpdateProjection | undefined): CancelJudgement {
  if (own === undefined) return { kind: 'nothing', reason: 'nothing of the package is under way here' };
  if (switchMayHaveBegun(own))
    return { kind: 'nothing', reason: 'the switch to the new release has begun here: too late to cancel' };
  if (own.state === 'INSTALL_FAILED') return { kind: 'reset' };
  return canCancel(own)
    ? { kind: 'cancel' }
    : { kind: 'nothing', reason: `nothing to cancel in state ${own.state}` };
}

/**
 * @param all this site's own projections
 * @param current the release of the order's product in force here
 */
export function judgeWork(
  order: Order,
  all: readonly UpdateProjection[],
  current: CurrentRelease | undefined,
  version: string,
): WorkJudgement {
  if (current?.installed.includes(order.guid) === true)
    return { kind: 'nothing', reason: 'the package is installed here already' };
  if (current !== undefined && isOlder(version, current.version)) {
    return {
      kind: 'nothing',
      reason: `${current.version} is installed here, which is newer than ${version}`,
    };
  }
  const own = all.find(({ guid }) => guid === order.guid);
  if (own !== undefined && own.attempt >= order.attempt) {
    return {
      kind: 'nothing',
      reason: `attempt ${own.attempt} is here already, and the order is for attempt ${order.attempt}`,
    };
  }
  if (own?.state === 'INSTALL_IN_PROGRESS')
    return { kind: 'defer', reason: 'an earlier attempt at the package is being installed here' };
  const busy = all.find(({ guid, state }) => guid !== order.guid && isUnderWay(state));
  if (busy !== undefined)
    return { kind: 'defer', reason: `package ${busy.guid} is under way here (${busy.state})` };
  if (!allowedEvents(own?.state ?? 'UNKNOWN').includes('ordered')) {
    return {
      kind: 'refuse',
      code: 'NOT_READY',
      reason: `the package is in state ${own?.state ?? 'UNKNOWN'} here, in which it cannot be ordered`,
    };
  }
  return { kind: 'order' };
}

/** Versions that cannot be compared leave the decision to the prerequisite check. */
export function isOlder(version: string, than: string): boolean {
  const left = tryParseVersion(version);
  const right = tryParseVersion(than);
  return left !== undefined && right !== undefined && compareVersions(left, right) < 0;
}
