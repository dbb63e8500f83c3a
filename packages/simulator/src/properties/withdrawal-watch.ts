import type { ProductId, SiteCode } from '@sallyport/core/shared/ids';
import { cataloguePath } from '@sallyport/engine/components/hierarchy-manager/document-paths';
import type { SimSite } from '../site/sim-site.ts';
import type { Mishap } from '../world/tally.ts';

/** What a catalogue says, as far as it is asked here. */
interface CatalogueLike {
  readonly packages: readonly { readonly guid: string; readonly withdrawn?: unknown }[];
}

/** What a site's own disk says of withdrawn packages: read from the catalogue that it holds, and never taken back. */
export class WithdrawalWatch {
  readonly #count: (what: Mishap) => void;
  readonly #heard = new Map<SiteCode, Set<string>>();
  /** The setting that was read last: the same value as long as the same text is stored. */
  readonly #settings = new Map<SiteCode, unknown>();

  constructor(count: (what: Mishap) => void) {
    this.#count = count;
  }

  hasHeard(site: SiteCode, guid: string): boolean {
    return this.#heard.get(site)?.has(guid) === true;
  }

  /** A site goes on from an older copy of its disk, whose catalogue may be older. */
  forget(site: SiteCode): void {
    this.#heard.delete(site);
    this.#settings.delete(site);
  }

  /** After a write of the site's database. @param trusted the setting that names what it holds of the vendor's documents */
  observe({ code, disk }: SimSite, product: ProductId, trusted: unknown): void {
    if (trusted === undefined || this.#settings.get(code) === trusted) return;
    this.#settings.set(code, trusted);
    const { targets } = trusted as {
      readonly targets: Readonly<Record<string, { readonly sha256: string }>>;
    };
    const catalogue = targets[cataloguePath(product)];
    const bytes = catalogue && disk.blob(catalogue.sha256);
    if (bytes === undefined) return;
    const { packages } = JSON.parse(new TextDecoder().decode(bytes)) as CatalogueLike;
    const heard = this.#heard.get(code) ?? new Set();
    this.#heard.set(code, heard);
    for (const { guid, withdrawn } of packages) {
      if (withdrawn === undefined || heard.has(guid)) continue;
      heard.add(guid);
      this.#count('withdrawals heard of');
    }
  }
}
