import type { Digest, PackageGuid } from '../../shared/ids.ts';
import { hierarchyFrom } from '../updates/facts.ts';
import type { Catalogue, PackageDescriptor } from '../updates/package.ts';
import type { Sha256 } from '../updates/rollout.ts';
import type { RolloutInput } from '../updates/selection-input.ts';
import type { SelectionResult } from '../updates/selection-reason.ts';
import { select } from '../updates/selection.ts';
import type { Offer, OfferedPackage, TargetingFacts } from './exchange.ts';

/** Everything that an offer is made of: accepted facts, and the vendor's products as published. */
export interface OfferRequest {
  readonly facts: TargetingFacts;
  /** SHA-256 of the payload bytes in which the facts came. */
  readonly factsSha256: Digest;
  /** Above that of every earlier offer to this hierarchy. */
  readonly sequence: number;
  readonly issuedAt: string;
  readonly expiresAt: string;
  readonly products: readonly {
    readonly catalogue: Catalogue;
    readonly descriptors: ReadonlyMap<PackageGuid, PackageDescriptor>;
    readonly rollout: RolloutInput;
  }[];
  readonly sha256: Sha256;
  /** Why nothing at all is offered to this hierarchy; absent: what selection finds is. */
  readonly withheld?: string;
}

/**
 * The cloud's answer to a hierarchy: every package of every product, offered or withheld and why. It runs the
 * very selection that the site runs, on the reported facts.
 */
export function makeOffer(request: OfferRequest): Offer {
  const packages = request.products.flatMap(({ catalogue, descriptors, rollout }) =>
    select({
      catalogue,
      descriptors,
      rollout,
      hierarchy: hierarchyFrom(request.facts, catalogue.product),
      offer: { kind: 'being-made' },
      sha256: request.sha256,
    }).map((result) => offered(result, request.withheld)),
  );
  return {
    schema: 1,
    hierarchyId: request.facts.hierarchyId,
    sequence: request.sequence,
    issuedAt: request.issuedAt,
    expiresAt: request.expiresAt,
    factsSha256: request.factsSha256,
    packages,
  };
}

/** A superseded package stays offered: it may be downloaded by hand. */
function offered(result: SelectionResult, withheld: string | undefined): OfferedPackage {
  if (withheld !== undefined) return { guid: result.guid, offered: false, reason: withheld };
  if (result.verdict === 'available' || result.verdict === 'superseded') {
    return { guid: result.guid, offered: true };
  }
  return {
    guid: result.guid,
    offered: false,
    reason: result.reasons.map(({ sentence }) => sentence).join(' '),
  };
}
