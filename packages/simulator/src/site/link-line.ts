import { ContentError } from '@sallyport/core/domain/content/content-error';
import type { SiteCode } from '@sallyport/core/shared/ids';
import { messageOf } from '@sallyport/core/shared/errors';
import type { ContentSource } from '@sallyport/engine/ports/content-source';
import { LinkError } from '@sallyport/engine/ports/link-error';
import type { PeerHandler } from '@sallyport/engine/ports/peer-handler';
import { type RepositorySource, RepositorySourceError } from '@sallyport/engine/ports/repository';
import type { Life } from '../world/life.ts';
import { type Network, NoAnswer } from '../world/network.ts';

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

/** The way from a child to the address of its parent, and the checks that the parent's server makes there. */
export class Line {
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
