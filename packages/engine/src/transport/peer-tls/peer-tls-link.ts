import type { ReplicatedRecord } from '@sallyport/core/domain/sites/site';
import type { SiteCode } from '@sallyport/core/shared/ids';
import { batchFormat, helloFormat, pullFormat } from '@sallyport/core/wire/link';
import type { Agent } from 'undici';
import type { Clock } from '../../ports/clock.ts';
import type { ContentSource } from '../../ports/content-source.ts';
import type { LinkHello, ParentLink } from '../../ports/parent-link.ts';
import type { RepositorySource } from '../../ports/repository.ts';
import { HttpContentSource } from '../content-http/content-source.ts';
import { HttpRepository } from '../content-http/http-repository.ts';
import { post, understood } from './link-client.ts';
import { pinnedAgent } from './pinned-agent.ts';
import type { TlsIdentity } from './tls-identity.ts';

/** A child's connection to its parent over TLS 1.3, to the key that the roster has for the parent and to no other. */
export class PeerTlsLink implements ParentLink {
  readonly content: ContentSource;
  readonly repository: RepositorySource;
  readonly #agent: Agent;
  readonly #base: string;
  readonly #peer: string;

  constructor(options: {
    readonly parent: SiteCode;
    /** `host:port` of the parent's link. */
    readonly address: string;
    /** The parent's link key by the newest roster, raw and hexadecimal. */
    readonly parentKey: () => string;
    readonly identity: TlsIdentity;
    readonly clock: Clock;
  }) {
    this.#peer = `parent site ${options.parent}`;
    this.#base = `https://${options.address}`;
    this.#agent = pinnedAgent({ identity: options.identity, peerKey: options.parentKey, peer: this.#peer });
    this.content = new HttpContentSource({
      baseUrl: `${this.#base}/`,
      dispatcher: this.#agent,
      clock: options.clock,
      name: this.#peer,
    });
    this.repository = new HttpRepository({
      metadataUrl: `${this.#base}/metadata/`,
      targetsUrl: `${this.#base}/targets/`,
      dispatcher: this.#agent,
    });
  }

  async hello(own: LinkHello, signal: AbortSignal): Promise<LinkHello> {
    const answer = await this.#post('hello', helloFormat.print(own), 0, signal);
    return understood(() => helloFormat.parse(answer), this.#peer);
  }

  async pull(
    after: number,
    waitMs: number,
    signal: AbortSignal,
  ): Promise<{ readonly records: readonly ReplicatedRecord[]; readonly cursor: number }> {
    const answer = await this.#post('pull', pullFormat.print({ after, waitMs }), waitMs, signal);
    const { records, cursor } = understood(() => batchFormat.parse(answer), this.#peer);
    // Whoever takes them checks each for itself.
    return { records: records as readonly ReplicatedRecord[], cursor };
  }

  async push(records: readonly ReplicatedRecord[], cursor: number, signal: AbortSignal): Promise<void> {
    await this.#post('push', batchFormat.print({ records: [...records], cursor }), 0, signal);
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  #post(what: string, body: Uint8Array, waitMs: number, signal: AbortSignal): Promise<Uint8Array> {
    const url = new URL(`${this.#base}/link/v1/${what}`);
    return post(this.#agent, { url, body, waitMs, peer: this.#peer }, signal);
  }
}
