import { ContentError } from '@sallyport/core/domain/content/content-error';
import type { BlobRef } from '@sallyport/core/domain/content/tree';
import type { JoinReply, JoinRequest } from '@sallyport/core/domain/sites/joining';
import type { ReplicatedRecord } from '@sallyport/core/domain/sites/site';
import type { Digest, SiteCode } from '@sallyport/core/shared/ids';
import { messageOf } from '@sallyport/core/shared/errors';
import { batchFormat, helloFormat } from '@sallyport/core/wire/link';
import { joinRequestFormat } from '@sallyport/core/wire/join';
import type { ContentSource } from '@sallyport/engine/ports/content-source';
import type { JoinChannel } from '@sallyport/engine/ports/join-channel';
import { LinkError } from '@sallyport/engine/ports/link-error';
import type { LinkHello, ParentLink } from '@sallyport/engine/ports/parent-link';
import type { PeerHandler } from '@sallyport/engine/ports/peer-handler';
import { type RepositorySource, RepositorySourceError } from '@sallyport/engine/ports/repository';
import type { Life } from '../world/life.ts';
import { type Network, NoAnswer } from '../world/network.ts';

const rootMaxBytes = 1024 * 1024;

/** A site server as its children reach it. */
export interface LinkServer {
  readonly life: Life;
  readonly handler: PeerHandler;
  readonly content: ContentSource;
  readonly repository: RepositorySource;
  /** The link key that it proves to hold. */
  readonly key: string;
}

export interface LinkEnds {
  readonly network: Network;
  readonly child: SiteCode;
  readonly life: Life;
  /** The child's link key. */
  readonly childKey: string;
  readonly parent: SiteCode;
  /** The parent's key by the newest roster here. */
  readonly parentKey: () => string;
  /** Whoever listens at the parent's address now. */
  readonly server: () => LinkServer | undefined;
}

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

class Line {
  readonly #ends: LinkEnds;

  constructor(ends: LinkEnds) {
    this.#ends = ends;
  }

  /** Asks as a child of the roster: each request is judged by the key that it comes with. */
  ask<T>(
    serve: (server: LinkServer, child: SiteCode, gone: AbortSignal) => Promise<T>,
    waitMs: number,
    signal: AbortSignal,
  ): Promise<T> {
    return this.reach(
      async (server, gone) => {
        const identity = server.handler.identify(this.#ends.childKey);
        if (identity.kind === 'refused') throw new LinkError(identity.code, identity.message);
        return serve(server, identity.site, gone);
      },
      waitMs,
      signal,
    );
  }

  async reach<T>(
    serve: (server: LinkServer, gone: AbortSignal) => Promise<T>,
    waitMs: number,
    signal: AbortSignal,
  ): Promise<T> {
    const { network, child, life, parent, parentKey, server } = this.#ends;
    // Asked when it dials: it may be dead when the request arrives.
    const pinned = parentKey();
    try {
      return await network.call(
        { from: child, to: parent, caller: life },
        (gone) => {
          const there = server();
          if (there === undefined) return undefined;
          if (there.key !== pinned) {
            return Promise.reject(
              new LinkError('FOREIGN_KEY', `whoever listens at the address of ${parent} is not ${parent}`),
            );
          }
          return serving(there, () => serve(there, gone));
        },
        waitMs,
        signal,
      );
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof NoAnswer) {
        throw new LinkError(
          error.reason === 'silent' ? 'STALLED' : 'UNREACHABLE',
          `parent site ${parent} cannot be reached: ${error.message}`,
        );
      }
      throw error;
    }
  }
}

/** Ends with the server, and tells nobody what went wrong inside it. */
async function serving<T>(server: LinkServer, serve: () => Promise<T>): Promise<T> {
  const died = Promise.withResolvers<never>();
  const forget = server.life.onEnd(() => died.reject(new NoAnswer('refused')));
  try {
    return await Promise.race([died.promise, serve()]);
  } catch (error) {
    if (
      error instanceof LinkError ||
      error instanceof ContentError ||
      error instanceof RepositorySourceError ||
      error instanceof NoAnswer
    ) {
      throw error;
    }
    if (server.life.isOver) throw new NoAnswer('refused');
    throw new LinkError('STALLED', `the site server could not answer: ${messageOf(error)}`);
  } finally {
    forget();
  }
}

class LinkContent implements ContentSource {
  readonly name: string;
  readonly #line: Line;

  constructor(line: Line, name: string) {
    this.#line = line;
    this.name = name;
  }

  offers(digests: readonly Digest[], signal: AbortSignal): Promise<ReadonlySet<Digest>> {
    return this.#ask((server, gone) => server.content.offers(digests, gone), signal);
  }

  async open(
    blob: BlobRef,
    offset: number,
    signal: AbortSignal,
  ): Promise<{ readonly startsAt: number; readonly chunks: AsyncIterable<Uint8Array> }> {
    const { startsAt, bytes } = await this.#ask(async (server, gone) => {
      const opened = await server.content.open(blob, offset, gone);
      const chunks: Uint8Array[] = [];
      for await (const chunk of opened.chunks) chunks.push(chunk.slice());
      return { startsAt: opened.startsAt, bytes: chunks };
    }, signal);
    return { startsAt, chunks: inPieces(bytes) };
  }

  async #ask<T>(
    serve: (server: LinkServer, gone: AbortSignal) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T> {
    try {
      return await this.#line.ask((server, _, gone) => serve(server, gone), 0, signal);
    } catch (error) {
      if (!(error instanceof LinkError)) throw error;
      const code =
        error.code === 'STALLED' ? 'STALLED' : error.code === 'UNREACHABLE' ? 'UNREACHABLE' : 'BAD_STATUS';
      throw new ContentError(code, error.message, {}, { cause: error });
    }
  }
}

class LinkRepository implements RepositorySource {
  readonly name: string;
  readonly #line: Line;

  constructor(line: Line, name: string) {
    this.#line = line;
    this.name = name;
  }

  metadata(
    name: string,
    limits: { readonly maxBytes: number },
    signal: AbortSignal,
  ): Promise<Uint8Array | undefined> {
    return this.#ask((server, gone) => server.repository.metadata(name, limits, gone), signal);
  }

  async target(
    path: string,
    limits: { readonly maxBytes: number },
    signal: AbortSignal,
  ): Promise<AsyncIterable<Uint8Array> | undefined> {
    const bytes = await this.#ask(async (server, gone) => {
      const found = await server.repository.target(path, limits, gone);
      if (found === undefined) return undefined;
      const chunks: Uint8Array[] = [];
      for await (const chunk of found) chunks.push(chunk.slice());
      return chunks;
    }, signal);
    return bytes === undefined ? undefined : inPieces(bytes);
  }

  async #ask<T>(
    serve: (server: LinkServer, gone: AbortSignal) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T> {
    try {
      return await this.#line.ask((server, _, gone) => serve(server, gone), 0, signal);
    } catch (error) {
      if (!(error instanceof LinkError)) throw error;
      const code =
        error.code === 'STALLED' ? 'STALLED' : error.code === 'UNREACHABLE' ? 'UNREACHABLE' : 'BAD_STATUS';
      throw new RepositorySourceError(code, error.message, {}, { cause: error });
    }
  }
}

async function* inPieces(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) {
    const half = Math.ceil(chunk.length / 2);
    if (half > 0) yield chunk.subarray(0, half);
    if (half < chunk.length) yield chunk.subarray(half);
  }
}
