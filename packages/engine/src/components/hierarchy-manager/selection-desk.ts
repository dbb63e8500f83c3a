import type { TargetingFacts } from '@sallyport/core/domain/exchange/exchange';
import { hierarchyFrom } from '@sallyport/core/domain/updates/facts';
import type { OfferInput } from '@sallyport/core/domain/updates/selection-input';
import type { SelectionResult } from '@sallyport/core/domain/updates/selection-reason';
import { newestToDownload, select } from '@sallyport/core/domain/updates/selection';
import { nextEvent } from '@sallyport/core/domain/updates/state';
import type { EpochMs, PackageGuid } from '@sallyport/core/shared/ids';
import type { Clock } from '../../ports/clock.ts';
import type { Digests } from '../../ports/digests.ts';
import type { Log } from '../../ports/log.ts';
import type { SiteDatabase, WriteTables } from '../../ports/site-database.ts';
import { siteFactsOf, targetingFacts } from './hierarchy-facts.ts';
import { offerInput, readOffer } from './offer-setting.ts';
import type { HierarchyReads } from './order-desk.ts';
import {
  type ProductSelection,
  readSelection,
  selectionSettingName,
  type SelectionSetting,
} from './selection-setting.ts';
import { selectionEvent, wasCancelled } from './selection-events.ts';
import type { SiteIdentity } from './site-identity.ts';
import type { TrustedProduct, TrustedView } from './trusted-view.ts';

export interface SelectionDeskOptions {
  readonly site: SiteIdentity;
  readonly database: SiteDatabase;
  readonly hierarchy: HierarchyReads;
  readonly digests: Digests;
  readonly clock: Clock;
  readonly log: Log;
  readonly ring: string;
  /** `none`: local applicability only, no offer is needed. */
  readonly exchange: 'none' | 'vendor';
}

/**
 * Selection at the top-tier site: *available = catalogue ∩ local applicability ∩ roll-out ∩ offer*. Writes what it
 * finds with every reason, tells the packages' state machines, and starts the download of the newest version update.
 */
export class SelectionDesk {
  readonly #options: SelectionDeskOptions;

  constructor(options: SelectionDeskOptions) {
    this.#options = options;
  }

  /** Answers when an input changes by time alone. */
  work(view: TrustedView): EpochMs | undefined {
    const { database } = this.#options;
    const offerSetting = database.read(({ settings }) => readOffer(settings));
    const offer: OfferInput =
      this.#options.exchange === 'none'
        ? { kind: 'local-only' }
        : offerInput(offerSetting, view.referenceTime);
    const facts = this.#facts(view.referenceTime);
    if (facts === undefined) return undefined;
    const products = [...view.products.values()].map((product) => this.#select(product, view, facts, offer));
    this.#keep(products);
    for (const selected of products) {
      const product = view.products.get(selected.product);
      if (product !== undefined && selected.problem === undefined) this.#tell(selected.results, product);
    }
    return offer.kind === 'offer' ? Date.parse(offer.offer.expiresAt) : undefined;
  }

  #facts(at: EpochMs): TargetingFacts | undefined {
    const { database, hierarchy, site, ring } = this.#options;
    const { roster } = hierarchy.current();
    const { sites, epoch } = database.read(({ records }) => ({
      sites: siteFactsOf(records, roster),
      epoch: records.epoch(),
    }));
    return targetingFacts({ roster, sites, topTier: site.code, ring, epoch, sequence: 1, at });
  }

  #select(
    product: TrustedProduct,
    view: TrustedView,
    facts: TargetingFacts,
    offer: OfferInput,
  ): ProductSelection {
    const { digests } = this.#options;
    const results = select({
      catalogue: product.catalogue,
      descriptors: product.descriptors,
      hierarchy: hierarchyFrom(facts, product.product),
      rollout: product.rollout,
      offer,
      sha256: (bytes) => digests.of('sha256', bytes),
    });
    const problem = view.problem ?? product.problem;
    if (problem === undefined) return { product: product.product, results };
    return {
      product: product.product,
      problem,
      results: results.map((result) => withheld(result, problem.message)),
    };
  }

  #keep(products: readonly ProductSelection[]): void {
    const { database, clock } = this.#options;
    const before = database.read(({ settings }) => readSelection(settings));
    if (before !== undefined && JSON.stringify(before.products) === JSON.stringify(products)) return;
    const setting: SelectionSetting = { schema: 1, at: clock.now(), products };
    database.write(({ settings }) => settings.put(selectionSettingName, setting));
  }

  #tell(results: readonly SelectionResult[], product: TrustedProduct): void {
    const { database, site } = this.#options;
    const newest = newestToDownload(results, product.descriptors);
    const due = database.read(({ updates }) =>
      results.filter((result) => {
        const own = updates.projection(result.guid, site.code);
        return (
          selectionEvent(result, own) !== undefined ||
          (result.guid === newest && own?.state === 'APPLICABILITY_SUCCESS' && !wasCancelled(own))
        );
      }),
    );
    if (due.length === 0) return;
    database.write((tables) => {
      for (const result of due) this.#tellOne(tables, result, newest);
    });
  }

  #tellOne(tables: WriteTables, result: SelectionResult, newest: PackageGuid | undefined): void {
    const { site, clock, log } = this.#options;
    const { guid, name, version } = result;
    const before = tables.updates.projection(guid, site.code);
    const said = selectionEvent(result, before);
    let own = before;
    if (said !== undefined) {
      const data = { reason: said.reason };
      own = tables.updates.append(
        nextEvent(before, { guid, site: site.code, event: said.event, at: clock.now(), data }),
      );
      log.info('Package {name} {version} ({guid}): {state}. {reason}', {
        name,
        version,
        guid,
        state: own.state,
        reason: said.reason,
      });
    }
    if (guid === newest && own?.state === 'APPLICABILITY_SUCCESS' && !wasCancelled(own)) {
      const data = { automatic: true, reason: 'The newest applicable version update downloads by itself.' };
      tables.updates.append(
        nextEvent(own, { guid, site: site.code, event: 'download-started', at: clock.now(), data }),
      );
      log.info(
        'Package {name} {version} ({guid}) is the newest applicable version update: its download starts',
        { name, version, guid },
      );
    }
  }
}

/** Nothing new is available from a catalogue that cannot be believed; what is installed stays installed. */
function withheld(result: SelectionResult, because: string): SelectionResult {
  if (result.verdict === 'installed') return result;
  const reason = {
    code: 'NOT_TRUSTED',
    source: 'catalogue',
    sentence: `The vendor's metadata cannot be believed at present, so nothing new is available: ${because}`,
    change: 'An exchange brings metadata that are signed and in date.',
  } as const;
  const others = result.verdict === 'superseded' ? [] : result.reasons;
  return { ...result, verdict: 'not-available', reasons: [reason, ...others] };
}
