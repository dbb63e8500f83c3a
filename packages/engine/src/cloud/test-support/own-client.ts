import { nodeDigests } from '../../compute/digest.ts';
import { checkSignature } from '../../compute/signature-check.ts';
import { TrustRefresher } from '../../components/trust/refresher.ts';
import { MemoryTrustStore } from '../../storage/memory/trust-store.ts';
import { HttpRepository } from '../../transport/content-http/http-repository.ts';

/** A customer that trusts by our own code, with what `OtherClient` can do. */
export class OwnClient {
  readonly #trust: TrustRefresher;

  private constructor(trust: TrustRefresher) {
    this.#trust = trust;
  }

  /** @param root the trust root that the vendor hands out */
  static async create(url: string, root: Uint8Array): Promise<OwnClient> {
    const store = new MemoryTrustStore();
    await store.saveRoot(1, root);
    const source = new HttpRepository({ metadataUrl: `${url}/metadata/`, targetsUrl: `${url}/targets/` });
    return new OwnClient(new TrustRefresher({ store, source, check: checkSignature, digests: nodeDigests }));
  }

  /** Refreshes and fetches one target. Rejects with what is not believed. */
  async fetch(path: string): Promise<Uint8Array> {
    const { signal } = new AbortController();
    await this.#trust.refresh(Date.now(), signal);
    return this.#trust.fetchTarget(path, signal);
  }
}
