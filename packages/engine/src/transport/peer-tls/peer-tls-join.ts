import {
  joinReplyFormat,
  type JoinReply,
  type JoinRequest,
  joinRequestFormat,
  type JoinToken,
} from '@sallyport/core/wire/join';
import type { Agent } from 'undici';
import type { JoinChannel } from '../../ports/join-channel.ts';
import { LinkError } from '../../ports/link-error.ts';
import { get, post, understood } from './link-client.ts';
import { pinnedAgent } from './pinned-agent.ts';
import type { TlsIdentity } from './tls-identity.ts';

/** A new site's connection to the parent that its token names, pinned by the key in the token. */
export class PeerTlsJoin implements JoinChannel {
  readonly #agent: Agent;
  readonly #url: URL;
  readonly #peer: string;

  constructor(token: Pick<JoinToken, 'address' | 'parent' | 'parentKey'>, identity: TlsIdentity) {
    this.#peer = `parent site ${token.parent}`;
    this.#url = new URL(`https://${token.address}/join/v1`);
    this.#agent = pinnedAgent({ identity, peerKey: () => token.parentKey, peer: this.#peer });
  }

  async ask(request: JoinRequest, signal: AbortSignal): Promise<JoinReply> {
    const call = { url: this.#url, body: joinRequestFormat.print(request), waitMs: 0, peer: this.#peer };
    const answer = await post(this.#agent, call, signal);
    return understood(() => joinReplyFormat.parse(answer), this.#peer);
  }

  async trustRoot(version: number, signal: AbortSignal): Promise<Uint8Array | undefined> {
    const url = new URL(`${this.#url.pathname}/root/${version}`, this.#url);
    try {
      return await get(this.#agent, { url, peer: this.#peer }, signal);
    } catch (error) {
      if (error instanceof LinkError && error.details['status'] === 404) return undefined;
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }
}
