import type { JoinReply, JoinRequest } from '@sallyport/core/domain/sites/joining';
import type { ReplicatedRecord } from '@sallyport/core/domain/sites/site';
import { batchFormat, helloFormat } from '@sallyport/core/wire/link';
import { joinRequestFormat } from '@sallyport/core/wire/join';
import type { ContentSource } from '@sallyport/engine/ports/content-source';
import type { JoinChannel } from '@sallyport/engine/ports/join-channel';
import type { LinkHello, ParentLink } from '@sallyport/engine/ports/parent-link';
import type { RepositorySource } from '@sallyport/engine/ports/repository';
import { Line, type LinkEnds } from './link-line.ts';
import { LinkContent, LinkRepository } from './link-sources.ts';

const rootMaxBytes = 1024 * 1024;

/** A child's link to its parent. What crosses is bytes, and the parent's end makes the checks of the real one. */
export class SimLink implements ParentLink {
  readonly content: ContentSource;
  readonly repository: RepositorySource;
  readonly #line: Line;

  constructor(ends: LinkEnds) {
    this.#line = new Line(ends);
    this.content = new LinkContent(this.#line, `parent site ${ends.parent}`);
    this.repository = new LinkRepository(this.#line, `parent site ${ends.parent}`);
  }

  async hello(own: LinkHello, signal: AbortSignal): Promise<LinkHello> {
    const sent = helloFormat.print(own);
    const answer = await this.#line.ask(
      async (server, child) => helloFormat.print(await server.handler.hello(child, helloFormat.parse(sent))),
      0,
      signal,
    );
    return helloFormat.parse(answer);
  }

  async pull(
    after: number,
    waitMs: number,
    signal: AbortSignal,
  ): Promise<{ readonly records: readonly ReplicatedRecord[]; readonly cursor: number }> {
    const answer = await this.#line.ask(
      async (server, child, gone) => {
        const { records, cursor } = await server.handler.pull(child, after, waitMs, gone);
        return batchFormat.print({ records: [...records], cursor });
      },
      waitMs,
      signal,
    );
    const { records, cursor } = batchFormat.parse(answer);
    return { records: records as readonly ReplicatedRecord[], cursor };
  }

  async push(records: readonly ReplicatedRecord[], cursor: number, signal: AbortSignal): Promise<void> {
    const sent = batchFormat.print({ records: [...records], cursor });
    await this.#line.ask(
      async (server, child) => {
        const batch = batchFormat.parse(sent);
        server.handler.push(child, batch.records, batch.cursor);
      },
      0,
      signal,
    );
  }

  async close(): Promise<void> {
    // Nothing is held open between two calls.
  }
}

/** A new site's way to the parent that its token names. */
export class SimJoin implements JoinChannel {
  readonly #line: Line;
  readonly #key: string;

  constructor(ends: LinkEnds) {
    this.#line = new Line(ends);
    this.#key = ends.childKey;
  }

  async ask(request: JoinRequest, signal: AbortSignal): Promise<JoinReply> {
    const sent = joinRequestFormat.print(request);
    return this.#line.reach(
      async (server) => server.handler.join(joinRequestFormat.parse(sent), this.#key),
      0,
      signal,
    );
  }

  trustRoot(version: number, signal: AbortSignal): Promise<Uint8Array | undefined> {
    const limits = { maxBytes: rootMaxBytes };
    return this.#line.reach(
      (server, gone) => server.repository.metadata(`${version}.root.json`, limits, gone),
      0,
      signal,
    );
  }

  async close(): Promise<void> {
    // Nothing is held open between two calls.
  }
}
