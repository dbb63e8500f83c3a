import type { OfferRequest } from '@sallyport/core/domain/exchange/offer';
import type { PackageDescriptor } from '@sallyport/core/domain/updates/package';
import type { RolloutInput } from '@sallyport/core/domain/updates/selection-input';
import type { EpochMs, PackageGuid, ProductId } from '@sallyport/core/shared/ids';
import { CloudError } from '../ports/cloud-error.ts';
import type { Signer } from '../ports/keys.ts';
import { type CloudTools, type Published, readPublished } from './cloud-tools.ts';
import { readDescriptors } from './contents.ts';
import { sha256Of } from './sha256.ts';

/** What offers are made from. */
export interface OfferedPublication extends Published {
  readonly descriptors: ReadonlyMap<ProductId, ReadonlyMap<PackageGuid, PackageDescriptor>>;
}

/** The same as it is published now, with what signs offers. */
export interface CurrentPublication extends OfferedPublication {
  /** Signs offers and receipts. */
  readonly offerSigner: Signer;
}

/**
 * The publication, read anew when its timestamp is another: whatever process published, the next exchange sees it.
 */
export class PublicationView {
  readonly #tools: CloudTools;
  #held: { readonly timestamp: string; readonly current: Promise<CurrentPublication> } | undefined;

  constructor(tools: CloudTools) {
    this.#tools = tools;
  }

  /** @throws {CloudError} NOT_THERE, BROKEN_REPOSITORY, KEYS_MISSING when the offer key is not at hand */
  async current(): Promise<CurrentPublication> {
    const bytes = await this.#tools.repository.metadata('timestamp.json');
    const timestamp = bytes === undefined ? '' : sha256Of(bytes);
    if (this.#held?.timestamp === timestamp) {
      return this.#held.current;
    }
    const held = { timestamp, current: this.#read() };
    this.#held = held;
    try {
      return await held.current;
    } catch (error) {
      // A failure is not remembered: the next one looks again.
      if (this.#held === held) {
        this.#held = undefined;
      }
      throw error;
    }
  }

  /** As it is published now, for whoever signs nothing. @throws {CloudError} NOT_THERE, BROKEN_REPOSITORY */
  async offered(): Promise<OfferedPublication> {
    const published = await readPublished(this.#tools);
    const descriptors = new Map<ProductId, ReadonlyMap<PackageGuid, PackageDescriptor>>();
    for (const [product, catalogue] of published.contents.catalogues) {
      descriptors.set(product, await readDescriptors(this.#tools.blobs, catalogue));
    }
    return { ...published, descriptors };
  }

  async #read(): Promise<CurrentPublication> {
    const published = await this.offered();
    const [offerSigner] = await this.#tools.keys.signers(published.contents.service.offerKeys);
    if (offerSigner === undefined) {
      throw new CloudError(
        'KEYS_MISSING',
        'the offer key that service.json names is not in keys/online: restore it from a copy, or make a new one with "sallyport cloud keys rotate offer"',
      );
    }
    return { ...published, offerSigner };
  }
}

/** Each product as an offer, or the explanation of one, takes it. */
export function offerProducts(publication: OfferedPublication, now: EpochMs): OfferRequest['products'] {
  return [...publication.contents.catalogues].map(([product, catalogue]) => ({
    catalogue,
    descriptors: publication.descriptors.get(product) ?? new Map(),
    rollout: rolloutInput(publication, product, now),
  }));
}

/** A product's roll-out as selection takes it: an expired one counts as none. */
function rolloutInput({ state, contents }: Published, product: ProductId, now: EpochMs): RolloutInput {
  const rollout = contents.rollouts.get(product);
  if (rollout === undefined) {
    return { kind: 'absent', why: 'missing' };
  }
  return state.rollout.signed.expiresMs <= now
    ? { kind: 'absent', why: 'expired' }
    : { kind: 'rollout', rollout };
}
