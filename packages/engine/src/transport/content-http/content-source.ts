import { ContentError } from '@sallyport/core/domain/content/content-error';
import type { BlobRef } from '@sallyport/core/domain/content/tree';
import { messageOf } from '@sallyport/core/shared/errors';
import type { Digest } from '@sallyport/core/shared/ids';
import type { Dispatcher } from 'undici';
import type { Clock } from '../../ports/clock.ts';
import type { ContentSource } from '../../ports/content-source.ts';
import { BlobResponse } from './blob-response.ts';
import { haveDigestsMax, parseHeld } from './have.ts';
import { HttpExchange } from './http-exchange.ts';

export interface HttpContentSourceOptions {
  /** Blobs lie at `blobs/sha256/<hex>` beneath it. */
  readonly baseUrl: string;
  /** How connections are made: proxy, TLS, which hosts are allowed. */
  readonly dispatcher: Dispatcher;
  readonly clock: Clock;
  /**
   * How long the server may take to answer, and to send its next KiB; the whole may take as long as it takes. 30 s when
   * not given.
   */
  readonly idleTimeoutMs?: number;
  /** For logs and errors: the base URL when not given. */
  readonly name?: string;
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Strong ETags that are remembered, for `If-Range`. */
const etagsMax = 1000;
/** An answer to `blobs/have` of ten thousand digests, with room. */
const haveAnswerMaxBytes = 1024 * 1024;

/**
 * Blobs from a web server: this program's own, a parent site's, or any static one. Redirects lead to the same
 * origin or nowhere. Nothing that comes is believed: sizes and ranges are compared here, digests by whoever stores.
 */
export class HttpContentSource implements ContentSource {
  readonly name: string;
  readonly #blobsUrl: URL;
  readonly #http: HttpExchange;
  readonly #etags = new Map<Digest, string>();

  constructor(options: HttpContentSourceOptions) {
    const base = options.baseUrl.endsWith('/') ? options.baseUrl : `${options.baseUrl}/`;
    this.#blobsUrl = new URL('blobs/', base);
    this.name = options.name ?? base;
    this.#http = new HttpExchange({
      dispatcher: options.dispatcher,
      clock: options.clock,
      idleTimeoutMs: options.idleTimeoutMs ?? 30_000,
      headers: options.headers ?? {},
    });
  }

  async offers(digests: readonly Digest[], signal: AbortSignal): Promise<ReadonlySet<Digest>> {
    const offered = new Set<Digest>();
    for (let from = 0; from < digests.length; from += haveDigestsMax) {
      const some = digests.slice(from, from + haveDigestsMax);
      for (const sha256 of await this.#have(some, signal)) {
        offered.add(sha256);
      }
    }
    return offered;
  }

  async open(
    blob: BlobRef,
    offset: number,
    signal: AbortSignal,
  ): Promise<{ readonly startsAt: number; readonly chunks: AsyncIterable<Uint8Array> }> {
    const url = new URL(`sha256/${blob.sha256}`, this.#blobsUrl);
    const etag = this.#etags.get(blob.sha256);
    const answer = await this.#http.send(
      url,
      {
        method: 'GET',
        headers: {
          ...(offset > 0 ? { range: `bytes=${String(offset)}-` } : {}),
          ...(offset > 0 && etag !== undefined ? { 'if-range': etag } : {}),
        },
      },
      signal,
    );
    try {
      const response = new BlobResponse(answer, blob, offset);
      this.#remember(blob.sha256, response.strongEtag);
      return { startsAt: response.startsAt, chunks: response.chunks() };
    } catch (failure) {
      answer.abandon();
      throw failure;
    }
  }

  async #have(digests: readonly Digest[], signal: AbortSignal): Promise<readonly Digest[]> {
    const url = new URL('have', this.#blobsUrl);
    const answer = await this.#http.send(
      url,
      { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ digests }) },
      signal,
    );
    try {
      if (cannotTell.has(answer.status)) {
        // A static server: it has what it has, and asking for a blob tells.
        return digests;
      }
      if (answer.status !== 200) {
        throw answer.unexpectedStatus('200');
      }
      const bytes = await answer.bytes(haveAnswerMaxBytes);
      return parseHeld(bytes, digests);
    } catch (failure) {
      throw failure instanceof SyntaxError
        ? new ContentError(
            'CORRUPT',
            `${url.href} answered with something else than a list of digests (${messageOf(failure)}): check the address`,
            {
              url: url.href,
            },
          )
        : failure;
    } finally {
      answer.abandon();
    }
  }

  #remember(sha256: Digest, etag: string | undefined): void {
    if (etag === undefined) {
      return;
    }
    this.#etags.delete(sha256);
    this.#etags.set(sha256, etag);
    const [oldest] = this.#etags.keys();
    if (this.#etags.size > etagsMax && oldest !== undefined) {
      this.#etags.delete(oldest);
    }
  }
}

/** What servers without that address answer to a POST. */
const cannotTell: ReadonlySet<number> = new Set([403, 404, 405, 411, 501]);
