import { hierarchyFrom } from '@sallyport/core/domain/updates/facts';
import type { SelectionResult } from '@sallyport/core/domain/updates/selection-reason';
import { select } from '@sallyport/core/domain/updates/selection';
import type { DigestOf } from '@sallyport/core/domain/trust/key';
import type { EpochMs, HierarchyId, ProductId } from '@sallyport/core/shared/ids';
import { parseTargetingFacts } from '@sallyport/core/wire/facts';
import type { CloudDatabase } from '../ports/cloud-database.ts';
import { CloudError } from '../ports/cloud-error.ts';
import { offerProducts } from './publication-view.ts';
import type { OfferedPublication } from './publication-view.ts';
import { withheldText } from './report-judge.ts';

/** Why each package is, or is not, offered to a hierarchy. */
export interface OfferExplanation {
  readonly hierarchyId: HierarchyId;
  /** The newest accepted facts, which an offer made now would answer. */
  readonly facts: { readonly epoch: number; readonly sequence: number; readonly acceptedAt: EpochMs };
  readonly ring: string;
  /** Why nothing at all is offered, whatever selection finds. */
  readonly withheld?: string;
  readonly packages: readonly (SelectionResult & {
    readonly product: ProductId;
    /** Whether an offer made now names it as offered. */
    readonly offered: boolean;
  })[];
}

/** By the very selection that makes offers, on the newest accepted facts. @throws {CloudError} NO_FACTS */
export async function explainOffer(
  database: Pick<CloudDatabase, 'hierarchies' | 'quarantineOf'>,
  publication: OfferedPublication,
  id: HierarchyId,
  options: { readonly now: EpochMs; readonly digestOf: DigestOf },
): Promise<OfferExplanation> {
  const hierarchy = (await database.hierarchies()).find((each) => each.id === id);
  if (hierarchy?.facts === undefined) {
    throw new CloudError(
      'NO_FACTS',
      `no facts of the hierarchy ${id} are held here, so nothing is offered to it: it reports them with its next exchange`,
      { hierarchy: id },
    );
  }
  const { epoch, sequence, acceptedAt, payload } = hierarchy.facts;
  const facts = parseTargetingFacts(payload);
  const quarantine = await database.quarantineOf(id);
  const packages = offerProducts(publication, options.now).flatMap((product) =>
    select({
      ...product,
      hierarchy: hierarchyFrom(facts, product.catalogue.product),
      offer: { kind: 'being-made' },
      sha256: (bytes) => options.digestOf('sha256', bytes),
    }).map((result) => ({
      ...result,
      product: product.catalogue.product,
      offered:
        quarantine === undefined && (result.verdict === 'available' || result.verdict === 'superseded'),
    })),
  );
  return {
    hierarchyId: id,
    facts: { epoch, sequence, acceptedAt },
    ring: facts.ring,
    ...(quarantine && { withheld: withheldText(quarantine) }),
    packages,
  };
}
