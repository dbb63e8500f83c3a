import type { PackageGuid } from '../../shared/ids.ts';
import type { FactValue } from './rule.ts';

/** Which of the four parts of *available = catalogue ∩ local applicability ∩ roll-out ∩ offer* said no. */
export type ReasonSource = 'applicability' | 'catalogue' | 'offer' | 'roll-out';

export type ReasonCode =
  // catalogue
  | 'BASELINE'
  | 'DESCRIPTOR_MISSING'
  | 'DESCRIPTOR_MISMATCH'
  | 'NOT_TRUSTED'
  | 'WITHDRAWN'
  // applicability
  | 'INSTALLED'
  | 'PRODUCT_NOT_INSTALLED'
  | 'NOT_NEWER'
  | 'VERSION_TOO_LOW'
  | 'VERSION_TOO_HIGH'
  | 'VERSION_UNREADABLE'
  | 'REQUIRES'
  | 'SUPERSEDED'
  | 'SUPERSEDED_BY_INSTALLED'
  | 'RING'
  | 'RULE'
  | 'RULE_UNKNOWN'
  // roll-out
  | 'ROLLOUT_MISSING'
  | 'ROLLOUT_EXPIRED'
  | 'NOT_IN_ROLLOUT'
  | 'ROLLOUT_RING'
  | 'LOT'
  | 'HELD'
  | 'STOPPED'
  | 'FLOOR'
  // offer
  | 'OFFER_MISSING'
  | 'OFFER_EXPIRED'
  | 'OFFER_OLDER'
  | 'OFFER_FOR_OTHER_FACTS'
  | 'NOT_OFFERED'
  | 'USAGE_DATA_REQUIRED';

/** Why a package is not available, for an administrator and for a program. */
export interface Reason {
  readonly code: ReasonCode;
  readonly source: ReasonSource;
  readonly sentence: string;
  /** The field of the descriptor, roll-out or offer that decides: `appliesTo.lowest`, `percentage`. */
  readonly rule?: string;
  readonly fact?: string;
  /** The fact's value; absent when it is unknown. */
  readonly value?: FactValue;
  /** What would change it. */
  readonly change: string;
}

/**
 * - `available`: may be downloaded, and is not superseded by another that may
 * - `superseded`: may be downloaded by hand, but a newer one is available
 */
export type SelectionVerdict = 'available' | 'installed' | 'not-available' | 'superseded';

export interface SelectionResult {
  readonly guid: PackageGuid;
  readonly kind: 'baseline' | 'hotfix' | 'out-of-band' | 'version-update';
  readonly version: string;
  /** The package's name; its version when the descriptor is not at hand. */
  readonly name: string;
  readonly verdict: SelectionVerdict;
  /** Everything that stands against it, not the first thing only; empty exactly when `available`. */
  readonly reasons: readonly Reason[];
}
