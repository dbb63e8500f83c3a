import { ContentError } from '@sallyport/core/domain/content/content-error';
import type { ContentSource } from '@sallyport/engine/ports/content-source';
import { type RepositorySource, RepositorySourceError } from '@sallyport/engine/ports/repository';
import { ExchangeError, type VendorExchange } from '@sallyport/engine/ports/vendor-exchange';
import type { Life } from '../world/life.ts';
import { type Network, NoAnswer } from '../world/network.ts';

/** The vendor as it can be reached without a network between. */
export interface NearVendor {
  readonly repository: RepositorySource;
  readonly content: ContentSource;
  readonly exchange: VendorExchange;
}

/** The vendor's name on the network. */
export const vendorHost = 'vendor';

/** The vendor as a site reaches it. */
export function overNetwork(
  vendor: NearVendor,
  line: { readonly network: Network; readonly from: string; readonly caller: Life },
): NearVendor {
  const call = async <T>(
    serve: (gone: AbortSignal) => Promise<T>,
    failure: (code: 'STALLED' | 'UNREACHABLE', message: string) => Error,
    signal: AbortSignal,
  ): Promise<T> => {
    try {
      return await line.network.call(
        { from: line.from, to: vendorHost, caller: line.caller },
        serve,
        0,
        signal,
      );
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof NoAnswer)) throw error;
      throw failure(
        error.reason === 'silent' ? 'STALLED' : 'UNREACHABLE',
        `the vendor cannot be reached: ${error.message}`,
      );
    }
  };
  const repositoryFailure = (code: 'STALLED' | 'UNREACHABLE', message: string): Error =>
    new RepositorySourceError(code, message);
  const contentFailure = (code: 'STALLED' | 'UNREACHABLE', message: string): Error =>
    new ContentError(code, message);
  const exchangeFailure = (code: 'STALLED' | 'UNREACHABLE', message: string): Error =>
    new ExchangeError(code, message);
  const { repository, content, exchange } = vendor;
  return {
    repository: {
      name: repository.name,
      metadata: (name, limits, signal) =>
        call((gone) => repository.metadata(name, limits, gone), repositoryFailure, signal),
      target: async (path, limits, signal) => {
        const chunks = await call(
          async (gone) => {
            const found = await repository.target(path, limits, gone);
            return found === undefined ? undefined : gathered(found);
          },
          repositoryFailure,
          signal,
        );
        return chunks === undefined ? undefined : each(chunks);
      },
    },
    content: {
      name: content.name,
      offers: (digests, signal) => call((gone) => content.offers(digests, gone), contentFailure, signal),
      open: async (blob, offset, signal) => {
        const { startsAt, chunks } = await call(
          async (gone) => {
            const opened = await content.open(blob, offset, gone);
            return { startsAt: opened.startsAt, chunks: await gathered(opened.chunks) };
          },
          contentFailure,
          signal,
        );
        return { startsAt, chunks: each(chunks) };
      },
    },
    exchange: {
      name: exchange.name,
      enrol: (request, signal) => call((gone) => exchange.enrol(request, gone), exchangeFailure, signal),
      exchange: (envelopes, signal) =>
        call((gone) => exchange.exchange(envelopes, gone), exchangeFailure, signal),
    },
  };
}

async function gathered(chunks: AsyncIterable<Uint8Array>): Promise<readonly Uint8Array[]> {
  const kept: Uint8Array[] = [];
  for await (const chunk of chunks) kept.push(chunk.slice());
  return kept;
}

async function* each(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}
